# escape=`
FROM mybase:1
ARG WHO
RUN echo `
    "$WHO" > /who
COPY a.txt b.txt `
     /both/
