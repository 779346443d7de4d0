FROM mybase:1 AS os
RUN echo os > /os
FROM os AS runtime
RUN echo runtime > /runtime
FROM runtime
COPY a.txt /a
