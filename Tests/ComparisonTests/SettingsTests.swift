import Comparison
import Foundation
import Primitives
import Testing
import Workloads

@Suite struct SettingsTests {
    static let simulations = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("simulations")

    @Test(arguments: ["aws", "azure", "toy"]) func mapsInTheTreeAreValid(name: String) throws {
        let path = Self.simulations.appendingPathComponent("regions/\(name).yaml").path
        let map = try RegionMap(settings: SettingsFile.read(path))
        #expect(map.name == name)
        #expect(!map.source.isEmpty && !map.date.isEmpty)
        for link in map.links {
            let back = try #require(map.link(from: link.to, to: link.from))
            #expect(back.roundTrip == link.roundTrip && link.jitter < link.roundTrip)
        }
    }

    @Test func theDefaultMapHasThePublishedFigures() throws {
        let map = try SettingsLibrary.map("aws")
        #expect(map.regions.count == 21)
        let link = try #require(map.link(from: RegionID("eu-west-1"), to: RegionID("ap-northeast-1")))
        #expect(link.roundTrip == .milliseconds(201))
        #expect(link.dollarsPerGigabyte == 0.02)
        #expect(map.link(from: RegionID("ap-northeast-1"), to: RegionID("eu-west-1"))?.dollarsPerGigabyte == 0.09)
        // Dublin–Tokyo: 41 Mbit/s for one flow (architecture §9).
        #expect((38_000_000...43_000_000).contains(link.flowBytesPerSecond * 8))
        #expect(map.link(from: RegionID("us-east-1"), to: RegionID("us-east-1"))?.roundTrip == .microseconds(500))
    }

    @Test func builtInFilesAreThoseOfTheTree() throws {
        for (folder, files) in [
            ("workloads", BuiltinFile.workloads), ("regions", BuiltinFile.maps), ("scenarios", BuiltinFile.scenarios),
        ] {
            let names = try FileManager.default.contentsOfDirectory(atPath: Self.simulations.appendingPathComponent(folder).path)
            #expect(names.filter { $0.hasSuffix(".yaml") }.count == files.count, "run simulations/embed.py")
            for file in files {
                let url = Self.simulations.appendingPathComponent("\(folder)/\(file.name).yaml")
                let text = try String(contentsOf: url, encoding: .utf8)
                #expect(
                    text.trimmingCharacters(in: .newlines) == file.text.trimmingCharacters(in: .newlines),
                    "run simulations/embed.py")
            }
        }
        for workload in try SettingsLibrary.workloads() { #expect(workload.repetitions >= 3) }
    }

    static let toy = """
        schema: 1
        name: t
        title: T
        source: s
        date: d
        same_region: {zone_ms: 0.1, between_zones_ms: 0.5}
        flow_window: 1MiB
        regions:
          a: {title: A, latitude: 0, longitude: 0, usd_per_gb: 0.02}
          b: {title: B, latitude: 1, longitude: 1, usd_per_gb: 0.05}
        links:
          - {between: [a, b], rtt_ms: 10, gbps: 1}
        """

    @Test(arguments: [
        ("rtt_ms: 10", "rtt_mss: 10", "t.yaml:12: links[0].rtt_mss: unknown key; did you mean rtt_ms?"),
        ("rtt_ms: 10", "rtt_ms: ten", "t.yaml:12: links[0].rtt_ms: ten is no number"),
        ("rtt_ms: 10", "rtt_ms: 0", "t.yaml:12: links[0].rtt_ms: must be above 0"),
        ("rtt_ms: 10", "rtt_ms: -4", "t.yaml:12: links[0].rtt_ms: -4 is out of range; 0 to 10000"),
        ("[a, b]", "[a, bb]", "t.yaml:12: links[0].between[1]: bb is not among the regions; did you mean b or a?"),
        ("[a, b]", "[a, a]", "t.yaml:12: links[0].between: both ends are a; same_region has those figures"),
        (
            "  - {between: [a, b], rtt_ms: 10, gbps: 1}", "  []",
            "t.yaml:11: links: no link between a and b; every pair of regions needs one"
        ),
        ("latitude: 1", "latitude: 91", "t.yaml:10: regions.b.latitude: 91 is out of range; -90 to 90"),
        ("flow_window: 1MiB", "flow_window: 1 MB", "t.yaml:7: flow_window: 1 MB is no size; write 4096, 64KiB, 16MiB or 1GiB"),
        ("title: T\n", "", "t.yaml:1: title: is missing"),
        ("schema: 1", "schema: 9", "t.yaml:1: schema: version 9 is not known; this program reads version 1"),
        ("links:", "links: {", "is no YAML"),
    ])
    func badMapsNameFileLineAndKey(find: String, replace: String, expected: String) throws {
        let text = Self.toy.replacingOccurrences(of: find, with: replace)
        let error = #expect(throws: SettingsError.self) { try RegionMap(settings: SettingsFile.parse(text, name: "t.yaml")) }
        #expect(error.map { "\($0)" }?.contains(expected) == true, "\(error.map { "\($0)" } ?? "none")")
    }

    @Test(arguments: [
        ("  stat: {cold: 3}", "  statt: {cold: 3}", "w.yaml:7: mix.statt: unknown operation; did you mean stat"),
        ("  stat: {cold: 3}", "  stat: {cold: 0}", "w.yaml:7: mix.stat.cold: 0 is out of range; 1 to 10000"),
        ("  stat: {cold: 3}", "  read-4KiB-random: {cold: 3}", "w.yaml:7: mix.read-4KiB-random: needs inputs.large_files above 0"),
        ("seed: 4", "seed: x", "w.yaml:5: seed: x is no whole number of 0 or more"),
        ("name: w", "name: W x", "w.yaml:2: name: W x is no name; use 1 to 64 of a–z, 0–9 and -"),
    ])
    func badWorkloadsNameFileLineAndKey(find: String, replace: String, expected: String) throws {
        let good = "schema: 1\nname: w\ntitle: W\nimitates: nothing\nseed: 4\nmix:\n  stat: {cold: 3}\ninputs: {tree_files: 5}\n"
        #expect(try Workload(settings: SettingsFile.parse(good, name: "w.yaml")).mix.count == 1)
        let text = good.replacingOccurrences(of: find, with: replace)
        let error = #expect(throws: SettingsError.self) { try Workload(settings: SettingsFile.parse(text, name: "w.yaml")) }
        #expect(error.map { "\($0)" }?.contains(expected) == true, "\(error.map { "\($0)" } ?? "none")")
    }

    @Test func unknownNamesAreAnswered() throws {
        let map = try SettingsLibrary.map("aws")
        let error = #expect(throws: UnknownRegion.self) { try map.region(named: "us-eats-1") }
        #expect(error?.description == "region us-eats-1: the map aws has no such region; did you mean us-east-1, us-east-2 or us-west-1?")
        let missing = #expect(throws: UnknownSetting.self) { try SettingsLibrary.workload("datasett") }
        #expect(missing?.description.contains("did you mean dataset?") == true)
        #expect(throws: SettingsError.self) { try SettingsLibrary.map("/nowhere/map.yaml") }
    }
}
