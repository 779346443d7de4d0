FROM mybase:1
RUN --mount=type=secret,id=npmrc,required=true cat /run/secrets/npmrc
