FROM mybase:1
RUN true
COPPY a.txt /
