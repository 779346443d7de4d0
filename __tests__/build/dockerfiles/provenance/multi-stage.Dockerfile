# A comment first.
FROM mybase:1 AS compile
COPY a.txt /src/
RUN cat /src/a.txt > /out && \
    # a comment inside
    echo more >> /out

FROM mybase:1
ENV MODE=production
WORKDIR /app
RUN true
COPY --from=compile /out /app/out
RUN echo one > /app/one \
 && echo two > /app/two
CMD ["sh"]
