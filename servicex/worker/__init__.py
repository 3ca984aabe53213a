"""Our own worker on a cluster: the local pool, which takes the files of one transform from RabbitMQ.

What is here is only what differs from the pool beside an embedded server: `consumer` has the queue, `open_work` what
was taken from it, `prefetch` fetches the next input, `stores` and `reports` lead elsewhere, `isolation` keeps secrets
from the programs that run beside it, and `process` puts it together.
"""
