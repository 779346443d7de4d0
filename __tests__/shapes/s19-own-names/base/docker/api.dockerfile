FROM busybox:stable
WORKDIR /api
COPY . .
CMD ["sh", "api.sh"]
