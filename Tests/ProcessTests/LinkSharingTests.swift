import APIClient
import Foundation
import Primitives
import Testing
import Transport

extension Processes {
    /// A link's capacity belongs to all nodes of its region together.
    @Suite(.serialized) struct LinkSharingTests {
        private func capacities(_ cluster: LocalCluster) throws -> [Int?] {
            let rules = try LinkRules(xdr: Array(try Data(contentsOf: URL(fileURLWithPath: cluster.directory + "/links.xdr"))))
            let (north, east) = (RegionID("north"), RegionID("east"))
            return [rules[north, east]?.capacity, rules[east, north]?.capacity]
        }

        @Test func nodesOfARegionShareItsLinks() throws {
            // The map toy gives the link 4 Gbit/s each way.
            let cluster = try LocalCluster(regions: ["north", "east"], nodesPerRegion: 2, map: "toy")
            defer { cluster.end() }
            #expect(try capacities(cluster) == [250_000_000, 250_000_000])
            let more = cluster.run(["up", "--detach", "--nodes-per-region", "3"])
            #expect(more.status == 0, "\(more.errors)")
            #expect(try capacities(cluster) == [166_666_666, 166_666_666])
            // Faults come and go; the parts stay.
            #expect(cluster.run(["fault", "slow", "north", "east", "--rtt", "1"]).status == 0)
            #expect(cluster.run(["fault", "heal"]).status == 0)
            #expect(try capacities(cluster) == [166_666_666, 166_666_666])
            let removed = cluster.run(["node", "remove", "east-3", "--force", "-y"])
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(try capacities(cluster) == [166_666_666, 250_000_000])
        }
    }
}
