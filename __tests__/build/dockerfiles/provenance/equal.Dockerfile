FROM mybase:1 AS packages
WORKDIR /app
RUN echo shared > /shared

FROM packages AS compile
RUN echo out > /out

FROM mybase:1
WORKDIR /app
RUN echo shared > /shared
COPY --from=compile /out /out
