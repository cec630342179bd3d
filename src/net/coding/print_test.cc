#include "net/coding/print.h"

#include <gtest/gtest.h>

namespace moq::coding {
namespace {

std::string printed(const std::string& value) {
  std::string out;
  print_value(out, value);
  return out;
}

TEST(Printing, EscapesWhatIsNoText) {
  EXPECT_EQ(printed("a\"\\\n"), R"("a\"\\\x0a")");
  EXPECT_EQ(printed("\xc3\xa9"), "\"\xc3\xa9\"") << "UTF-8 stays";
  EXPECT_EQ(printed("\xc3\xa9\xff"), R"("\xc3\xa9\xff")");
  EXPECT_EQ(printed(std::string(129, 'x')), '"' + std::string(128, 'x') + "\"...");
}

TEST(Printing, ReachesIntoWhatHoldsValues) {
  std::string out;
  print_value(out, std::optional(std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(out, R"(["a" "b"])");
}

}  // namespace
}  // namespace moq::coding
