import Comparison
import Primitives
import Simulation
import Testing
import Workloads

/// Random histories of calls against a small model file system.
@Suite struct POSIXHistoryTests {
    /// 400 histories of three clients on the namespace machine itself.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func theNamespaceBehavesAsTheModel(batch: UInt64) {
        for seed in (batch * 50 + 1)...(batch * 50 + 50) {
            if let failure = POSIXHistory.checkNamespace(seed: seed, count: 250) { Issue.record("\(failure)") }
        }
    }

    /// 200 histories of three clients in three regions, through a simulated cluster.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func aClusterBehavesAsTheModel(batch: UInt64) throws {
        let map = try SettingsLibrary.map("toy")
        let machines = map.regions.prefix(3).map { WorldOptions.Machines(region: $0.id, count: 1) }
        var cluster = try POSIXCluster(map: map, machines: machines, clients: 3, seed: batch + 1)
        for seed in (batch * 50 + 1)...(batch * 50 + 50) {
            if let failure = cluster.check(seed: seed, count: 60) {
                Issue.record("\(failure)")
                return
            }
        }
    }
}
