FROM scratch
COPY no-such-file /
