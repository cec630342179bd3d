#include "token/algorithm.h"

#include <array>

namespace moq::token {
namespace {

using enum Algorithm;

constexpr std::array<AlgorithmInfo, 12> kAlgorithms{{
    {hs256, "HS256", KeyType::oct, "", "SHA256", 32, false},
    {hs384, "HS384", KeyType::oct, "", "SHA384", 48, false},
    {hs512, "HS512", KeyType::oct, "", "SHA512", 64, false},
    {es256, "ES256", KeyType::ec, "P-256", "SHA256", 32, false},
    {es384, "ES384", KeyType::ec, "P-384", "SHA384", 48, false},
    {rs256, "RS256", KeyType::rsa, "", "SHA256", 0, false},
    {rs384, "RS384", KeyType::rsa, "", "SHA384", 0, false},
    {rs512, "RS512", KeyType::rsa, "", "SHA512", 0, false},
    {ps256, "PS256", KeyType::rsa, "", "SHA256", 0, true},
    {ps384, "PS384", KeyType::rsa, "", "SHA384", 0, true},
    {ps512, "PS512", KeyType::rsa, "", "SHA512", 0, true},
    {eddsa, "EdDSA", KeyType::okp, "Ed25519", nullptr, 32, false},
}};

constexpr std::array<std::string_view, 4> kTypes = {"oct", "RSA", "EC", "OKP"};

}  // namespace

std::span<const AlgorithmInfo> algorithms() { return kAlgorithms; }

const AlgorithmInfo& info(Algorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  for (const AlgorithmInfo& each : kAlgorithms) {
    if (each.name == name) return each.algorithm;
  }
  return std::nullopt;
}

std::string algorithm_names() {
  std::string names;
  for (const AlgorithmInfo& each : kAlgorithms) {
    if (!names.empty()) names += ", ";
    names += each.name;
  }
  return names;
}

std::string_view key_type_name(KeyType type) { return kTypes[static_cast<std::size_t>(type)]; }

std::optional<KeyType> parse_key_type(std::string_view name) {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] == name) return static_cast<KeyType>(i);
  }
  return std::nullopt;
}

}  // namespace moq::token
