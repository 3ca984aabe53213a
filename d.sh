#!/bin/sh
# Delete queues from RabbitMQ: ./d.sh QUEUE...
# RABBIT_MQ_URL says where it is. `servicex-app queues list` shows what there is.
PATH="$PATH:$(dirname "$0")/.venv/bin"
exec servicex-app queues purge "$@"
