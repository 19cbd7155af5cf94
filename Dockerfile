# docker build -t pushmail . && docker run -v ./pushmail.toml:/etc/pushmail/pushmail.toml:ro -v pushmail:/var/lib/pushmail -p 127.0.0.1:8025:8025 pushmail
# In a container the API has to listen on all addresses, so it wants a token: docs/operations.md.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /pushmail ./cmd/pushmail && mkdir -m 700 /state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /pushmail /pushmail
COPY --from=build --chown=65532:65532 /state /var/lib/pushmail
USER 65532:65532
VOLUME /var/lib/pushmail
EXPOSE 8025
STOPSIGNAL SIGTERM
ENTRYPOINT ["/pushmail"]
CMD ["serve", "/etc/pushmail/pushmail.toml"]
