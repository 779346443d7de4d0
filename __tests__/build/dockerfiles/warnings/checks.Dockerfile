FROM scratch as files
COPY a.txt /a.txt

FROM scratch
ENV API_KEY=hunter2
ARG WHO
WORKDIR ${WHO}
COPY --from=files /a.txt /
