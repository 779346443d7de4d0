FROM mybase:1

COPY dist/app.jar /app.jar
