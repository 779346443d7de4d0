FROM mybase:1
COPY a.txt /
RUN exit 1
RUN echo never
