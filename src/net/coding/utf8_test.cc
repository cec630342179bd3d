#include "net/coding/utf8.h"

#include <string_view>

#include <gtest/gtest.h>

namespace moq::coding {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, AcceptsEveryLength) {
  for (const auto text : {""sv, "abc"sv, "\0"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv,
                          "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xef\xbf\xbf"sv,
                          "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv, "a\xc3\xa9z"sv}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesWhatIsNot) {
  for (const auto text : {"\x80"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x20"sv,
                          "\xe0\x9f\xbf"sv, "\xe1\x80"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv,
                          "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv,
                          "\xff"sv, "abc\xf1\x80\x80"sv, "\xf1\x80\x80\x41"sv}) {
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace moq::coding
