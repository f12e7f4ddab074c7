# docker build --target service -t cofi-service .      the pipeline with its CPU engines
# docker build --target dashboard -t cofi-dashboard .  the dashboard alone

ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /cofi
# What is installed changes less often than the sources: a layer of its own.
COPY package.json package-lock.json ./
COPY packages/event-log/package.json packages/event-log/
COPY packages/access/package.json packages/access/
COPY packages/views/package.json packages/views/
COPY packages/evidence/package.json packages/evidence/
COPY packages/pack/package.json packages/pack/
COPY packages/recordings/package.json packages/recordings/
COPY packages/pipeline/package.json packages/pipeline/
COPY packages/engines/package.json packages/engines/
COPY packages/dashboard/package.json packages/dashboard/
COPY packages/web/package.json packages/web/
COPY packages/cli/package.json packages/cli/
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build
# What runs: built code and data, without sources, tests and development dependencies.
RUN npm ci --omit=dev --ignore-scripts --prefer-offline \
    && rm -rf test packages/*/src packages/*/test packages/*/tools packages/*/tsconfig.json packages/*/dist/.tsbuildinfo

FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production COFI_DATA_DIR=/data
# A named volume mounted on such a folder inherits its owner, so the user below may write there. /files: recordings, where
# COFI_RUNTIME=docker starts engines of this image.
RUN mkdir /data /files && chown node:node /data /files
COPY --from=build /cofi /cofi
USER node
# `.env` is read from the working directory; settings come from the container's environment instead.
WORKDIR /data
ENTRYPOINT ["node", "/cofi/packages/cli/bin/cofi.js"]

FROM runtime AS service
USER root
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg pocketsphinx pocketsphinx-en-us \
    && rm -rf /var/lib/apt/lists/*
USER node
CMD ["--help"]

FROM runtime AS dashboard
# Inside a container only 0.0.0.0 is reached from outside; Cofi then insists on COFI_ACCESS_TOKEN.
ENV COFI_HOST=0.0.0.0 COFI_PORT=5066
EXPOSE 5066
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["node", "/cofi/deploy/healthcheck.mjs"]
CMD ["serve"]
