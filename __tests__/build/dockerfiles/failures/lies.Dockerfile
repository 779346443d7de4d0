FROM mybase:1
RUN printf "#9 ERROR: of my own\nERROR: of my own\nDockerfile:77\n--------------------\n" >&2; exit 3
