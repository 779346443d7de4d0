FROM mybase:1 AS compile
RUN echo binary > /binary
FROM scratch
COPY --from=compile /binary /binary
ADD b.txt /b
