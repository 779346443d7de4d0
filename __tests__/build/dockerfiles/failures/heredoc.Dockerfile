FROM mybase:1
RUN <<EOF
set -e
echo start
cat /nowhere
EOF
