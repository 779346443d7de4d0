FROM mybase:1
ENV A=1
LABEL b=2
