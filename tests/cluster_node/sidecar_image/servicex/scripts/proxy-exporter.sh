#!/bin/bash
# Puts the grid proxy where programs look for it.
mkdir -p /tmp/grid-security
cp /etc/grid-security-ro/x509up /tmp/grid-security/x509up
chmod 600 /tmp/grid-security/x509up
