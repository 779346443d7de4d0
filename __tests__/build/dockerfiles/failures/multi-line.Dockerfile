FROM mybase:1
RUN echo start && \
    # a comment inside
    ls /nowhere && \
    echo end
