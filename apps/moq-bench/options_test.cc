#include "moq-bench/options.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moq-bench/bench.h"
#include "moq-bench/payload.h"
#include "moq-bench/preset.h"

namespace moq::bench {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::HasSubstr;

struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
  std::string errors;
};

Parsed parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"moq-bench", "--connect", "moqt://localhost:4443"});
  Parsed parsed;
  testing::internal::CaptureStderr();
  parsed.options =
      parse_options(static_cast<int>(arguments.size()), arguments.data(), parsed.exit_code);
  parsed.errors = testing::internal::GetCapturedStderr();
  return parsed;
}

TEST(OptionsTest, DefaultsAreTheReferences) {
  const auto options = parse({}).options;
  ASSERT_TRUE(options);
  EXPECT_EQ(options->connections, (Range{1, 1}));
  EXPECT_EQ(options->broadcasts, (Range{1, 1}));
  EXPECT_EQ(options->subscribe, (Range{0, 0}));
  EXPECT_EQ(options->fps, (Range{30, 30}));
  EXPECT_EQ(options->frame_size, (Range{1200, 1200}));
  EXPECT_EQ(options->group_size, (Range{60, 60}));
  EXPECT_EQ(options->startup, 10s);
  EXPECT_EQ(options->report, 1s);
  EXPECT_FALSE(options->duration);
  EXPECT_EQ(options->name, "bench");
}

TEST(OptionsTest, TakesRangesTimesAndTheEnvironment) {
  setenv("MOQ_BENCH_FPS", "10:20", 1);
  const auto options =
      parse({"--connections", "5:10", "--startup", "500ms", "--duration", "1m"}).options;
  unsetenv("MOQ_BENCH_FPS");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->connections, (Range{5, 10}));
  EXPECT_EQ(options->fps, (Range{10, 20}));
  EXPECT_EQ(options->startup, 500ms);
  EXPECT_EQ(options->duration, 60s);
}

TEST(OptionsTest, SaysWhatIsWrong) {
  struct Case {
    std::vector<const char*> arguments;
    const char* says;
  };
  for (const Case& test : {
           Case{{"--fps", "fast"}, "neither N nor MIN:MAX"},
           Case{{"--frame-size", "99999999999"}, "at most"},
           Case{{"--fanout", "5", "--connections", "3"}, "--connections"},
           Case{{"--fanout", "5", "--slow", "6"}, "--slow"},
           Case{{"--bulk", "--connections", "3"}, "--fanout"},
           Case{{"--report", "0"}, "--report"},
           Case{{"--frame-size", "1000000", "--group-size", "60"}, "a group may have"},
           Case{{"--preset", "uhd"}, "--preset"},
           Case{{"--file", "/nothing/there.toml"}, "--file"},
           Case{{"--relay-pid", "-4"}, "--relay-pid"},
           Case{{"--client-version", "moq-lite-99"}, "moq-lite-99"},
       }) {
    const Parsed parsed = parse(test.arguments);
    EXPECT_FALSE(parsed.options) << test.says;
    EXPECT_EQ(parsed.exit_code, 1) << test.says;
    EXPECT_THAT(parsed.errors, HasSubstr(test.says));
  }
}

TEST(OptionsTest, BulkHasASizeOfItsOwn) {
  const auto bulk = parse({"--bulk"}).options;
  ASSERT_TRUE(bulk);
  EXPECT_EQ(bulk->fanout, 1U);
  EXPECT_EQ(bulk->frame_size, (Range{100000, 100000}));
  EXPECT_EQ(bulk->group_size, (Range{0, 0}));
  const auto other = parse({"--bulk", "--fanout", "3", "--frame-size", "5000"}).options;
  ASSERT_TRUE(other);
  EXPECT_EQ(other->fanout, 3U);
  EXPECT_EQ(other->frame_size, (Range{5000, 5000}));
}

TEST(OptionsTest, EachPresetIsALoad) {
  for (const std::string& name : preset_names()) {
    const Parsed parsed = parse({"--preset", name.c_str()});
    ASSERT_TRUE(parsed.options) << name << parsed.errors;
    EXPECT_FALSE(make_plans(*parsed.options, "run").empty());
  }
}

TEST(OptionsTest, FlagsGoBeforeTheEnvironmentAndThatBeforeAFileAndThatBeforeAPreset) {
  const auto path = std::filesystem::path(testing::TempDir()) / "moq-bench-options.toml";
  std::ofstream(path) << "connections = 7\nbroadcasts = 3\nfps = { min = 24, max = 60 }\n"
                         "startup = \"2s\"\n[client]\ntls.disable_verify = true\n";
  setenv("MOQ_BENCH_BROADCASTS", "4", 1);
  const Parsed parsed = parse({"--preset", "sd", "--file", path.c_str(), "--connections", "9"});
  unsetenv("MOQ_BENCH_BROADCASTS");
  ASSERT_TRUE(parsed.options) << parsed.errors;
  EXPECT_EQ(parsed.options->connections, (Range{9, 9}));
  EXPECT_EQ(parsed.options->broadcasts, (Range{4, 4}));
  EXPECT_EQ(parsed.options->fps, (Range{24, 60}));
  EXPECT_EQ(parsed.options->startup, 2s);
  EXPECT_EQ(parsed.options->subscribe, (Range{5, 20}));
  EXPECT_TRUE(parsed.options->client.tls.disable_verify);

  std::ofstream(path) << "frames = 7\n";
  EXPECT_THAT(parse({"--file", path.c_str()}).errors, HasSubstr("there is no --frames"));
  std::ofstream(path) << "fps = \n";
  EXPECT_THAT(parse({"--file", path.c_str()}).errors, HasSubstr(":1: "));
}

TEST(PlanTest, IsTheSameForTheSameSeed) {
  Options options;
  options.connections = {20, 40};
  options.fps = {1, 1000};
  options.frame_size = {100, 100000};
  options.seed = 5;
  const auto one = make_plans(options, "run");
  const auto same = make_plans(options, "run");
  options.seed = 6;
  const auto other = make_plans(options, "run");
  ASSERT_EQ(one.size(), same.size());
  bool differs = one.size() != other.size();
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].shape.fps, same[i].shape.fps);
    EXPECT_EQ(one[i].shape.frame_size, same[i].shape.frame_size);
    differs = differs || one[i].shape.fps != other[i].shape.fps;
  }
  EXPECT_TRUE(differs);
}

TEST(PlanTest, FanoutHasOnePublisherAndTheSlowOnesAreTheLast) {
  Options options;
  options.fanout = 10;
  options.slow = 3;
  const auto plans = make_plans(options, "run");
  ASSERT_EQ(plans.size(), 11U);
  EXPECT_EQ(plans[0].broadcasts, 1U);
  EXPECT_EQ(plans[0].subscribe, 0U);
  for (std::size_t i = 1; i < plans.size(); ++i) {
    EXPECT_EQ(plans[i].broadcasts, 0U);
    EXPECT_EQ(plans[i].subscribe, 1U);
    EXPECT_EQ(plans[i].watch, plans[0].prefix + "/0");
    EXPECT_EQ(plans[i].slow, i > 7);
    EXPECT_LT(plans[i].delay, options.startup);
  }
}

}  // namespace
}  // namespace moq::bench
