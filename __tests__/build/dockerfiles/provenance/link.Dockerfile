# syntax-free: built with the engine's own frontend
FROM mybase:1
RUN echo first > /first
COPY --link a.txt /linked/a
COPY --link b.txt /linked/b
RUN echo last > /last
