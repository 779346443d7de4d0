FROM mybase:1
RUN <<SCRIPT
echo one > /one
# not a comment of the Dockerfile
echo two > /two
SCRIPT
COPY <<"SETTINGS" <<OTHER /etc/app/
RUN is not an instruction here
SETTINGS
second
OTHER
COPY a.txt /
