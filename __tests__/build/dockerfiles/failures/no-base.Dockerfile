# no such image
FROM image-budget.invalid/base:1
RUN true
