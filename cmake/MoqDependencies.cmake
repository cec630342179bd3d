# Every dependency, and why it is this one. All are Debian packages.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# fmt: formatting that is checked at compile time; spdlog's own.
find_package(fmt REQUIRED)
# tl-expected: std::expected, which is C++23.
find_package(tl-expected REQUIRED)
# Boost: intrusive containers (no allocation per reader), Asio and Beast (the
# field's standard for sockets and HTTP).
find_package(Boost 1.81 REQUIRED)
# ngtcp2: the application schedules streams and owns buffers and sockets.
pkg_check_modules(NGTCP2 REQUIRED IMPORTED_TARGET libngtcp2>=1.11 libngtcp2_crypto_gnutls>=1.11)
# nghttp3: QPACK only; it can neither send WebTransport's settings nor carry its streams.
pkg_check_modules(NGHTTP3 REQUIRED IMPORTED_TARGET libnghttp3>=1.8)
# GnuTLS: the TLS backend with the cheapest AES-GCM under ngtcp2 in Debian.
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls>=3.7)
# spdlog: asynchronous, well kept logging. CLI11, toml++, nlohmann-json: small and standard.
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
# libsystemd: sd_notify.
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
# prometheus-cpp: its text format, with the escapes and numbers as Prometheus reads them.
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
# OpenSSL: HTTPS by way of Boost, which takes no other TLS; and its EVP for JWT and JWK. No JOSE
# library in Debian 12 has all of HS, RS, PS, ES and EdDSA with JWK (libjose and cjose: no EdDSA;
# libjwt 1 and cpp-jwt: no JWK), so src/token is JOSE's thin layer.
find_package(OpenSSL 3.0 REQUIRED)
# FFmpeg: every container and codec description.
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil)

if(MOQ_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
