import Comparison
import Filesystem
import Membership
import NodeCore
import Primitives
import Replication
import Testing
import Workloads

@testable import Simulation

/// What is promised when a node is lost, in exact times: on the world's map commits go on within four seconds when a
/// volume's leader is lost, and within eight all others know of a node that is gone. Each seed has its own regions, its own
/// delays, clocks and moment.
@Suite struct FailoverTests {
    private static let map = try! SettingsLibrary.map("aws")
    private static let second: Int64 = 1_000_000_000

    /// A cluster with a volume and a writer at each region.
    private struct Scene {
        var world: World
        private var chance: SeededGenerator

        init(seed: UInt64, regions count: Int) throws {
            chance = SeededGenerator(seed: SeededGenerator.mix(seed))
            var regions: [RegionID] = []
            while regions.count < count {
                let region = map.regions[chance.below(map.regions.count)].id
                if !regions.contains(region) { regions.append(region) }
            }
            var options = WorldOptions(map: map, machines: regions.map { WorldOptions.Machines(region: $0, count: 1) })
            options.placesByMap = true
            world = World(options, seed: seed)
            for node in world.hosts.indices { world.after(Int64(chance.below(50)) * 1_000_000, .fault(.restart(node))) }
            let areUp = world.run(until: 60 * second) { world in
                world.hosts.allSatisfy { $0.isUp && $0.state.catalog.nodes.count == world.hosts.count }
            }
            try #require(areUp)
            world.filesystems.append(FilesystemInWorld(name: "data", kind: .volume, home: regions[0]))
            world.create(0, at: 0)
            try #require(world.run(until: world.now + 60 * second) { $0.filesystems[0].id != nil && $0.isSettled })
            var plan = ClientPlan(filesystem: 0, regions: regions, count: 1)
            (plan.stagedMax, plan.largeOneIn, plan.ifUnchangedPercent) = (1, 0, 0)
            // What a client of the command line waits for: requests outlast the gap, and none is given up within it.
            plan.deadlineMilliseconds = 30_000...30_000
            world.addClients(plan)
        }

        /// Clients write, nodes measure their distances, leaders move where they should be.
        mutating func settle() { _ = world.run(until: world.now + 20 * second + Int64(chance.below(3_000)) * 1_000_000) }

        /// The node that leads the volume's group.
        var leader: Int? {
            world.hosts.firstIndex { host in host.isUp && host.state.view.groups.contains { $0.filesystem != nil && $0.role == "leader" } }
        }

        /// Nanoseconds until somebody, and until a client of each region that is left, has an acknowledgement that the lost
        /// node can not have sent; nil at the bound.
        mutating func commitsGoOn(after moment: Int64, without lost: Int, bound: Int64) -> (first: Int64?, all: Int64?) {
            // Whatever it said before its end has arrived by then: no way on the map is longer.
            let late = moment + second / 2
            let writers = world.clients.filter { $0.node != lost }.map(\.index)
            func times(_ world: World) -> [Int64?] {
                var first: [Int64?] = Array(repeating: nil, count: world.clients.count)
                for commit in world.histories.volumes[0]?.commits ?? [] {
                    guard let ended = commit.ended, ended > late, case .published = commit.outcome else { continue }
                    first[commit.client] = min(first[commit.client] ?? .max, ended)
                }
                return writers.map { first[$0].map { $0 - moment } }
            }
            _ = world.run(until: moment + bound) { world in times(world).allSatisfy { $0 != nil } }
            let all = times(world).compactMap { $0 }
            return (all.min(), all.count == writers.count ? all.max() : nil)
        }

        mutating func allKnow(_ lost: Int, after moment: Int64, bound: Int64) -> Int64? {
            let id = world.hosts[lost].id
            let doKnow = world.run(until: moment + bound, every: 10_000_000) { world in
                world.hosts.allSatisfy { host in
                    !host.isUp || host.state.view.members.contains { $0.record.id == id && $0.record.status == .dead }
                }
            }
            return doKnow ? world.now - moment : nil
        }

        /// Machines that run, and that somebody took for dead.
        var blamed: [String] {
            world.hosts.filter(\.isUp).flatMap { host in
                host.state.view.members.filter { world.hosts[World.index(of: $0.record.id)].isUp && $0.record.status == .dead }.map {
                    "n\(host.index + 1) takes \($0.record.id) for dead"
                }
            }
        }
    }

    /// The process is killed, or with every other seed the machine loses power and says nothing more.
    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func aLostLeaderIsReplacedAndNoticed(seed: UInt64) throws {
        var scene = try Scene(seed: seed, regions: seed % 3 == 0 ? 5 : 3)
        scene.settle()
        let lost = try #require(scene.leader)
        let moment = scene.world.now
        scene.world.crash(lost, isSudden: seed % 2 == 0)
        let commits = scene.commitsGoOn(after: moment, without: lost, bound: 4 * Self.second)
        #expect(commits.first != nil, "seed \(seed): no commit within 4 s")
        #expect(commits.all != nil, "seed \(seed): some region has no commit within 4 s")
        let known = scene.allKnow(lost, after: moment, bound: 8 * Self.second)
        #expect(known != nil, "seed \(seed): not all know within 8 s")
        #expect(scene.blamed == [], "seed \(seed)")
        #expect(scene.world.violations.isEmpty, "seed \(seed): \(scene.world.violations.map(\.description))")
        print("failover seed \(seed): \((commits.first ?? 0) / 1_000_000) \((commits.all ?? 0) / 1_000_000) \((known ?? 0) / 1_000_000) ms")
    }

    /// Calls that lie at a lost leader of a network file system go to the next one as soon as its voters know it: not before the
    /// connection breaks or patience ends, which takes 2 to 10 s, but within a few round trips of the election.
    @Test(arguments: ["leader-lost", "leader-unheard", "leader-deaf"], [1, 2, 3] as [UInt64])
    func callsFollowTheLeader(name: String, seed: UInt64) throws {
        let root = try SettingsLibrary.scenario(name)
        let scenario = try Scenario(settings: root, map: SettingsLibrary.map(ScenarioHeader(settings: root).map))
        let result = Simulation.run(scenario, seed: seed)
        #expect(result.violations == [])
        let waits = result.measures.filter { $0.name.hasPrefix("share: part 3,") }.map { $0.nanoseconds / 1_000_000 }
        #expect(!waits.isEmpty && waits.allSatisfy { $0 < 2_000 }, "ms from elections to the next acknowledged changes: \(waits)")
    }
}
