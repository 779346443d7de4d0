FROM mybase:1
COPY --from=compiel /out /
