FROM mybase:1
RUN echo binary > /binary
FROM mybase:1
COPY --from=0 /binary /binary
RUN --mount=type=bind,source=a.txt,target=/mnt/a.txt --mount=type=cache,target=/cache \
    cp /mnt/a.txt /copy
