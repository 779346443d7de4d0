FROM mybase:1 AS compile
RUN true
FROM mybase:1 AS production
COPY a.txt /
