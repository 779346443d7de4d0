FROM mybase:1
COPY a.txt /a
COPY a.txt /a
RUN cp /a /b
COPY a.txt /a
