#!/bin/sh
# Makes a license with OpenSSL alone: root.pem to trust and site.lic to verify, in the folder given.
# FINGERPRINT: the digest of the machine it is bound to.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"

key() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
}

# name, subject, issuer, days
certify() {
  key "$1"
  openssl req -new -config "$here/openssl-license.cnf" -key "$1.key" -subj "$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -set_serial "0x$(openssl rand -hex 15)" -sha256 \
    -days "$4" -extfile "$here/openssl-license.cnf" -extensions "$1" -out "$1.pem"
}

key root
openssl req -new -x509 -config "$here/openssl-license.cnf" -extensions root -key root.key -sha256 -days 3650 \
  -subj '/CN=Root by hand' -out root.pem
certify organization /O=acme root 1000
certify enterprise /O=acme/OU=globex organization 300
certify site /O=acme/OU=globex/CN=plant-7 enterprise 30
cat site.pem enterprise.pem organization.pem >site.lic
