import APIClient
import APISchema
import Foundation
import NIOCore
import Primitives
import Testing

extension Processes {
    /// What the links of a local cluster take, beside the map: within 2 ms or 3 %, whichever is larger.
    @Suite(.serialized) struct RegionsTests {
        /// Long ones: their 3 % leave room for what a slow machine, and a debug build, add by themselves.
        private static let map = [
            ["sa-east-1", "eu-west-1"]: 176.5, ["sa-east-1", "ap-northeast-1"]: 256.5, ["eu-west-1", "ap-northeast-1"]: 201.0,
        ]

        /// A busy machine makes round trips longer, some of them or all for a while, and none of them shorter. So the shortest
        /// of many tells what the links themselves add; for it the bound holds both ways, and for the median downwards.
        @Test func linksAreAsLongAsTheMapSays() async throws {
            let regions = ["sa-east-1", "eu-west-1", "ap-northeast-1"]
            let cluster = try LocalCluster(regions: regions, map: "aws")
            defer { cluster.end() }
            let clients = cluster.nodes.map { cluster.client($0) }
            var shortest: [[String]: Double] = [:]
            func look() async throws {
                for client in clients {
                    for pair in try await client.regions() where pair.samples >= 5 {
                        let names = [pair.from.name, pair.to.name]
                        shortest[names] = min(shortest[names] ?? .infinity, pair.leastMilliseconds)
                    }
                }
            }
            func wanted(_ pair: [String]) throws -> Double { try #require(Self.map[pair] ?? Self.map[pair.reversed()], "\(pair)") }
            let isNear = await LocalCluster.eventually(within: 120) {
                try await look()
                return try shortest.count == 6 && shortest.allSatisfy { $0.value <= max(try wanted($0.key) * 1.03, try wanted($0.key) + 2) }
            }
            #expect(isNear, "\(shortest)")
            for (pair, least) in shortest {
                let round = try wanted(pair)
                #expect(least >= min(round * 0.97, round - 2), "\(pair) takes \(least) ms, less than the map's \(round)")
                measured("shortest round trip \(pair.joined(separator: "–")) over the map's \(round) ms", least - round, "ms")
            }
            for client in clients { await client.shutdown() }
            // The verb shows every ordered pair beside the map's figure.
            let pairs = LocalCluster.json(cluster.run(["regions", "--json"]))["pairs"] as? [[String: Any]] ?? []
            #expect(pairs.count == 6)
            for pair in pairs {
                func number(_ name: String) -> Double { (pair[name] as? NSNumber)?.doubleValue ?? -1 }
                let round = try wanted([pair["from"] as? String ?? "", pair["to"] as? String ?? ""])
                #expect(number("map_ms") == round && number("samples") >= 5, "\(pair)")
                #expect(number("median_ms") >= min(round * 0.97, round - 2) && number("p90_ms") >= number("median_ms"), "\(pair)")
            }
        }
    }
}
