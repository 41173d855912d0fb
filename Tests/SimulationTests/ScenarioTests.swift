import Comparison
import Foundation
import Primitives
import Simulation
import StorageSimulation
import Testing
import Workloads

@Suite struct ScenarioTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("simulations/scenarios")

    static var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
    }

    private static func read(_ text: String) throws -> Scenario? {
        let root = try SettingsFile.parse(text, name: "s.yaml")
        let header = try ScenarioHeader(settings: root)
        return header.isSwarm ? nil : try Scenario(settings: root, map: try SettingsLibrary.map(header.map))
    }

    @Test(arguments: files)
    func everyFileIsSound(name: String) throws {
        let text = try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
        let scenario = try Self.read(text)
        if let scenario { #expect("\(scenario.name).yaml" == name) }
    }

    /// Some of them, as far as a debug build runs them in seconds.
    @Test(arguments: [
        "steady-3", "home-region-lost", "bit-rot", "clock-jumps", "full-disks", "rolling-upgrade", "poisoned-upgrade", "wire-mismatch",
        "power-failures", "core-goes-on", "join-and-leave", "replica-moves", "rolling-partitions", "slow-disk", "slow-node",
        "flapping-link",
        "home-region-cut-off", "shared-names", "collection", "vouching", "gossip-15", "gossip-lan-15", "gossip-starved-15",
    ])
    func theyHold(name: String) throws {
        let text = try String(contentsOf: Self.folder.appendingPathComponent("\(name).yaml"), encoding: .utf8)
        let scenario = try #require(try Self.read(text))
        let result = Simulation.run(scenario, seed: 1, storage: NodeStorage.maker())
        #expect(result.violations.isEmpty, "atoll simulate \(name) --seed 1: \(result.violations.map(\.description))")
    }

    static let sound = """
        schema: 1
        name: small
        title: Small
        map: toy
        nodes: {north: 2, south: 1}
        filesystems:
          - {name: data, kind: volume, home: north}
        clients:
          - {filesystem: data}
        duration_s: 10
        faults:
          - {at_s: 1, crash: north/1}
        """

    @Test(arguments: [
        ("schema: 1", "schema: 2", "s.yaml:1: schema: this version is not known"),
        ("north: 2", "nroth: 2", "s.yaml:5: nodes.nroth: the map toy has no region nroth; did you mean north?"),
        ("north: 2", "north: 0", "s.yaml:5: nodes.north: 0 is out of range; 1 to 64"),
        ("kind: volume", "kind: tape", "s.yaml:7: filesystems[0].kind: is neither nfs nor volume"),
        ("home: north", "home: east", "s.yaml:7: filesystems[0].home: no node is in east"),
        ("filesystem: data", "filesystem: dta", "s.yaml:9: clients[0].filesystem: there is no file system dta; did you mean data?"),
        ("duration_s: 10", "duration: 10", "s.yaml:10: duration: unknown key; did you mean duration_s?"),
        ("crash: north/1", "crash: north/3", "s.yaml:12: faults[0].crash: north/3 is no node; north/1 to north/2"),
        ("crash: north/1", "crush: north/1", "s.yaml:12: faults[0].crush: unknown key; did you mean crash?"),
        ("crash: north/1", "decay: north/1, crash: south", "s.yaml:12: faults[0]: names 2 faults"),
        ("at_s: 1,", "at_s: 11,", "s.yaml:12: faults[0].at_s: is after the end of the scenario"),
        ("crash: north/1", "replace_disk: all", "s.yaml:12: faults[0].replace_disk: would destroy all copies of everything"),
        (
            "  - {at_s: 1, crash: north/1}", "  - {at_s: 1, replace_disk: north}\n  - {at_s: 5, replace_disk: south}",
            "s.yaml:12: faults[0].replace_disk: would leave data fewer than a majority of voters with their disks: it may destroy 2 of 3"
        ),
        (
            "kind: volume, home: north}\nclients:\n  - {filesystem: data}\nduration_s: 10\nfaults:\n  - {at_s: 1, crash: north/1}",
            "kind: nfs, home: north}\nduration_s: 10\nfaults:\n  - {at_s: 1, replace_disk: north/1, every_s: 2, times: 2}\n  - {at_s: 4, replace_disk: north/2}",
            "s.yaml:10: faults[0].replace_disk: would leave data fewer than a majority of voters with their disks: it may destroy 1 of 2"
        ),
        (
            "north: 2, south: 1}\nfilesystems:\n  - {name: data, kind: volume, home: north}\nclients:\n  - {filesystem: data}\nduration_s: 10\nfaults:\n  - {at_s: 1, crash: north/1}",
            "north: 3, south: 2}\nfilesystems:\n  - {name: data, kind: nfs, home: north}\nduration_s: 10\nfaults:\n  - {at_s: 1, replace_disk: north/1}\n  - {at_s: 2, replace_disk: north/2}",
            "s.yaml:11: faults[1].replace_disk: would leave data fewer than a majority of voters with their disks: it may destroy 2 of 3, and replicas need 330 s, and a machine that has none, to move"
        ),
        (
            "crash: north/1", "crash: north/1, factor: 3, ppm: 7",
            "s.yaml:12: faults[0].factor: crash does not take it; it takes at_s, every_s, times, for_s, sudden"
        ),
        ("crash: north/1", "leave: north/1, for_s: 3", "s.yaml:12: faults[0].for_s: leave does not take it"),
        ("crash: north/1", "crash: north/1, every_s: 3", "s.yaml:12: faults[0].every_s: repeats nothing"),
        ("crash: north/1", "join: north/1", "s.yaml:12: faults[0].join: north/1 is there from the beginning"),
        ("crash: north/1", "starve: north/1, for_s: 1", "s.yaml:12: faults[0].starve: only a scenario of gossip only starves members"),
        (
            "  - {filesystem: data}", "  - {filesystem: data, lock_percent: 3}",
            "s.yaml:9: clients[0].lock_percent: data is a volume: its clients do no such thing"
        ),
        ("map: toy", "map: toy\nswarm: true", "s.yaml:6: nodes: a swarm draws it from the seed"),
        (
            "crash: north/1}", "crash: north/1}\nstays_broken: {crash: north}",
            "s.yaml:13: stays_broken.crash: would leave data no majority: 2 of its 3 voters may be among them"
        ),
        ("crash: north/1}", "crash: north/1}\nstays_broken: {pause: south}", "s.yaml:13: stays_broken.pause: may leave out the only copy"),
        ("crash: north/1}", "crash: north/1}\nstays_broken: {isolate: all}", "s.yaml:13: stays_broken.isolate: leaves nobody to go on"),
        ("crash: north/1}", "crash: north/1}\nstays_broken: {}", "s.yaml:13: stays_broken: names 0 states"),
        ("crash: north/1", "fail_sync: north/1", "s.yaml:12: faults[0].fail_sync: no sync of a stand-in fails"),
        ("map: toy", "map: toy\nstorage: tape", "s.yaml:5: storage: tape is neither real nor stand-in"),
        ("crash: north/1", "isolate: all", "s.yaml:12: faults[0].isolate: leaves nobody outside"),
        (
            "nodes: {north: 2, south: 1}", "nodes: {north: 2, south: 1}\nlate: {south: 1}",
            "s.yaml:6: late.south: a region begins with one machine"
        ),
        ("crash: north/1", "upgrade: north/1", "s.yaml:12: faults[0].wire: "),
        ("map: toy", "map: mars", "map mars: there is none of that name"),
    ])
    func mistakesAreNamed(old: String, new: String, expected: String) throws {
        #expect(try Self.read(Self.sound) != nil)
        do {
            _ = try Self.read(Self.sound.replacingOccurrences(of: old, with: new))
            Issue.record("it was taken")
        } catch {
            #expect("\(error)".hasPrefix(expected), "\(error)")
        }
    }

    /// Machines that come late, and membership alone, take less than others.
    @Test(arguments: [
        ("faults:", "late: {north: 1}\nfaults:", "s.yaml:13: faults[0].crash: north/2 is not there; let it join before"),
        (
            "faults:", "late: {north: 1}\nfaults:\n  - {at_s: 5, join: north/2}",
            "s.yaml:14: faults[1].crash: north/2 is not there yet; it joins later"
        ),
        ("faults:", "late: {north: 1}\nfaults:\n  - {at_s: 1, join: north/2}", ""),
        ("filesystems:\n  - {name: data, kind: volume, home: north}\nclients:\n  - {filesystem: data}", "gossip_only: true", ""),
        (
            "filesystems:\n  - {name: data, kind: volume, home: north}\nclients:\n  - {filesystem: data}",
            "gossip_only: true\nclocks: {drift_ppm: 3}", "s.yaml:7: clocks: a scenario of gossip only has none of it"
        ),
        (
            "filesystems:\n  - {name: data, kind: volume, home: north}\nclients:\n  - {filesystem: data}",
            "gossip_only: true\nnetwork: {reorder_percent: 3}",
            "s.yaml:7: network.reorder_percent: a scenario of gossip only does not know it"
        ),
    ])
    func whatDoesNotApplyIsRefused(old: String, new: String, expected: String) throws {
        let text = Self.sound.replacingOccurrences(of: "crash: north/1", with: "crash: north/2").replacingOccurrences(of: old, with: new)
        do {
            _ = try Self.read(text)
            #expect(expected.isEmpty, "it was taken")
        } catch {
            #expect(!expected.isEmpty && "\(error)".hasPrefix(expected), "\(error)")
        }
    }

    /// With a grace and a machine that has none, replicas move before the next disk goes.
    @Test(arguments: [
        (5, "25", "60", true), (5, "25", "59", false), (5, "25", "26", false), (3, "25", "60", false), (5, "300", "60", false),
    ])
    func replicasMoveGivenTime(machines: Int, grace: String, second: String, isTaken: Bool) throws {
        let text = """
            schema: 1
            name: small
            title: Small
            map: aws
            nodes: {us-east-1: \(machines), eu-west-1: 1, ap-northeast-1: 1}
            filesystems:
              - {name: share, kind: nfs, home: us-east-1}
            duration_s: 100
            nodes_settings: {replica_grace_s: \(grace)}
            faults:
              - {at_s: 5, replace_disk: us-east-1/1}
              - {at_s: \(second), replace_disk: us-east-1/2}
            """
        do {
            #expect(try Self.read(text)?.faults.count == 2)
            #expect(isTaken)
        } catch {
            #expect(!isTaken && "\(error)".hasPrefix("s.yaml:12: faults[1].replace_disk: would leave share fewer"), "\(error)")
        }
    }
}
