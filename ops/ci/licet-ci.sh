#!/bin/sh
# A license for a build: the build shows the identity token that its CI system makes for it, and gets a license for hours.
# No secret is stored anywhere; the private key is made here and ends with the build.
#
#   licet-ci.sh request          makes key and license, and verifies it
#   licet-ci.sh seal FILE        puts both into an encrypted file, for builds without a network
#   licet-ci.sh open FILE        the way back, and verifies again
#
# Settings, as variables:
#   LICET_URL           https://licenses.acme.example
#   LICET_ORGANIZATION  the vendor, by its short name
#   LICET_ROOT          file with the root certificate of the vendor (PEM)
#   LICET_TLS_ROOT      file with who vouches for the TLS certificate of the server, where that is not LICET_ROOT
#   LICET_AUDIENCE      what the token is made for; default: LICET_URL
#   LICET_DIR           where key and license go, and a file `env` that names them; default: ./.licet. What was there
#                       stays until there is something better.
#   LICET_SEAL_KEY      for seal and open: 32 or more random characters, a secret of the repository. It is never made
#                       from a name: whoever knows the name would have the license.
#   LICET_VERIFY        the command that verifies; default: `licet verify` where it is installed, else OpenSSL, which looks
#                       at the chain, the dates and the key, and leaves it to the product what the license allows
# The identity token comes from the first of these that is there:
#   LICET_ID_TOKEN       GitLab (`id_tokens:`) and others hand it over in a variable
#   LICET_ID_TOKEN_FILE  Kubernetes: a projected service account token
#   ACTIONS_ID_TOKEN_REQUEST_URL and …_TOKEN: GitHub Actions, with `permissions: id-token: write`
#
# Exit status: 0 done, 1 refused by the server, 2 wrong use, 3 unreachable, 4 the license does not verify.
set -eu
umask 077

fail() {
  status=$1
  shift
  echo "licet-ci: $*" >&2
  exit "$status"
}

need() {
  eval "value=\${$1:-}"
  [ -n "$value" ] || fail 2 "$1 is not set: $2."
}

need_root() {
  need LICET_ROOT 'give the file with the root certificate of the vendor'
  [ -r "$LICET_ROOT" ] || fail 2 "LICET_ROOT names no file that can be read: $LICET_ROOT"
}

dir=${LICET_DIR:-.licet}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Some shells skip that when a signal ends them, and a key lies there.
trap 'exit 130' HUP INT TERM

identity_token() {
  if [ -n "${LICET_ID_TOKEN:-}" ]; then
    printf '%s' "$LICET_ID_TOKEN"
  elif [ -n "${LICET_ID_TOKEN_FILE:-}" ]; then
    tr -d '\r\n' <"$LICET_ID_TOKEN_FILE"
  elif [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
    printf 'header = "Authorization: Bearer %s"\n' "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-}" >"$work/github"
    curl --silent --show-error --fail --max-time 30 --retry 3 --config "$work/github" --get --output "$work/identity" \
      --data-urlencode "audience=${LICET_AUDIENCE:-$LICET_URL}" "$ACTIONS_ID_TOKEN_REQUEST_URL" || return
    sed -n 's/.*"value" *: *"\([^"]*\)".*/\1/p' "$work/identity"
  fi
}

# The text of a field of a flat JSON object; quotation marks in it are escaped there.
field() {
  sed -nE "s/.*\"$1\":\"(([^\"\\\\]|\\\\.)*)\".*/\1/p" "$work/answer" | sed 's/\\"/"/g'
}

# Why the server refuses, in its words; it may be a proxy that answers, and in HTML.
reason() {
  detail=$(field detail)
  if [ -n "$detail" ]; then
    printf '%s (%s)' "$detail" "$(field code)"
  else
    printf '%s' "$LICET_URL answers with HTTP status $code and no reason; is that the license server?"
  fi
}

# A text as a word of the shell. Most paths are one as they stand, which a dotenv report needs: it takes quotes as they are.
word() {
  case $1 in
    *[!A-Za-z0-9_./@%+=:,-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}

look_at() {
  if [ -n "${LICET_VERIFY:-}" ]; then
    $LICET_VERIFY "$1" --anchor "$LICET_ROOT"
  elif command -v licet >"$work/where"; then
    licet verify "$1" --anchor "$LICET_ROOT"
  else
    # Beside that file OpenSSL would ask the folder of what the machine trusts.
    mkdir -p "$work/none"
    SSL_CERT_DIR="$work/none" openssl verify -CAfile "$LICET_ROOT" -untrusted "$1" "$1"
  fi
}

# Takes $work/site.key and $work/site.lic over when they are good; what was there before stays otherwise.
accept() {
  look_at "$work/site.lic" >"$work/verdict" 2>&1 || fail 4 "the license does not verify: $(cat "$work/verdict")"
  openssl pkey -in "$work/site.key" -pubout >"$work/one" 2>/dev/null || fail 4 'the key cannot be read'
  openssl x509 -in "$work/site.lic" -noout -pubkey >"$work/other"
  cmp -s "$work/one" "$work/other" || fail 4 'the key is not that of the license'
  mkdir -p "$dir"
  mv "$work/site.key" "$work/site.lic" "$dir"
  cat "$work/verdict"
  # What later steps find: in the environment (GitHub), or in a file to be read by `.` or as a dotenv report (GitLab).
  absolute=$(cd "$dir" && pwd)
  printf 'LICET_LICENSE=%s\nLICET_KEY=%s\n' "$(word "$absolute/site.lic")" "$(word "$absolute/site.key")" >"$dir/env"
  if [ -n "${GITHUB_ENV:-}" ]; then
    printf 'LICET_LICENSE=%s\nLICET_KEY=%s\n' "$absolute/site.lic" "$absolute/site.key" >>"$GITHUB_ENV"
  fi
}

request() {
  need LICET_URL 'give the address of the license server'
  need LICET_ORGANIZATION 'give the short name of the vendor'
  need_root
  token=$(identity_token) || fail 3 'the CI system gives no identity token; it must be allowed to (id-token: write).'
  [ -n "$token" ] || fail 2 'there is no identity token: set LICET_ID_TOKEN, or allow the job to have one.'
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/site.key" 2>/dev/null
  openssl req -new -key "$work/site.key" -subj /CN=ci -out "$work/csr"
  csr=$(awk '{ printf "%s\\n", $0 }' "$work/csr")
  # In a file: what stands in a command line can be read by every user of the machine.
  printf '{"organization":"%s","token":"%s","csr":"%s"}' "$LICET_ORGANIZATION" "$token" "$csr" >"$work/body"
  # The same request again is answered with the same license, so it is safe to try again.
  code=$(curl --silent --show-error --proto =https --cacert "${LICET_TLS_ROOT:-$LICET_ROOT}" --max-time 60 --retry 5 \
    --retry-max-time 300 --retry-connrefused --header 'Content-Type: application/json' --data-binary "@$work/body" \
    --output "$work/answer" --write-out '%{http_code}' "${LICET_URL%/}/api/v1/identities/exchange" 2>"$work/error") ||
    fail 3 "the license server cannot be reached: $(cat "$work/error")"
  case $code in
    201) ;;
    429 | 5*) fail 3 "the license server cannot do it now: $(reason)" ;;
    *) fail 1 "$(reason)" ;;
  esac
  printf '%b' "$(field license)" >"$work/site.lic"
  accept
}

sealing_key() {
  need LICET_SEAL_KEY 'a secret of the repository, e.g. from: openssl rand -base64 32'
  [ "${#LICET_SEAL_KEY}" -ge 32 ] || fail 2 'LICET_SEAL_KEY has fewer than 32 characters: use openssl rand -base64 32'
}

seal() {
  sealing_key
  cat "$dir/site.key" "$dir/site.lic" >"$work/both" 2>/dev/null || fail 2 "there is no license in $dir; request one first"
  openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -salt -pass env:LICET_SEAL_KEY -in "$work/both" -out "$work/sealed"
  mv "$work/sealed" "$1" || fail 2 "$1 cannot be written"
}

# Whatever was changed in the file is found: the license is signed, and its key has to fit.
unseal() {
  sealing_key
  need_root
  [ -r "$1" ] || fail 2 "$1 cannot be read"
  openssl enc -d -aes-256-cbc -pbkdf2 -iter 600000 -pass env:LICET_SEAL_KEY -in "$1" -out "$work/both" 2>/dev/null ||
    fail 4 "$1 cannot be opened: it is damaged, or LICET_SEAL_KEY is another"
  sed -n '/-BEGIN .*KEY-/,/-END .*KEY-/p' "$work/both" >"$work/site.key"
  sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' "$work/both" >"$work/site.lic"
  accept
}

case ${1:-} in
  request) request ;;
  seal) seal "${2:?a file name is needed}" ;;
  open) unseal "${2:?a file name is needed}" ;;
  *) fail 2 'use: licet-ci.sh request | seal FILE | open FILE' ;;
esac
