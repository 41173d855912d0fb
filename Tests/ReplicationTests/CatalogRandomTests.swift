import Primitives
import Replication
import TestSupport
import Testing

@Suite struct CatalogRandomTests {
    /// Random commands, right and wrong: invariants hold after each, a second replica that takes a
    /// snapshot somewhere on the way ends with the same digest.
    @Test(arguments: 1...6) func replicasAgree(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var driver = CatalogDriver()
        _ = try driver.run("bootstrap nodes=(us-east-1:a us-east-1:b eu-west-1:c ap-northeast-1:d)")
        var follower = driver.state
        var outcomes: [String: Int] = [:]
        var touched = 0
        func id(_ prefix: String) -> String { prefix + "00000000000000000000" + String(format: UInt64(generator.below(99)) + 1) }
        for step in 0..<500 {
            let name = ["a", "b", "c", "d"][generator.below(4)]
            let kind = ["nfs", "volume"][generator.below(2)]
            let line =
                switch generator.below(15) {
                case 0...2:
                    "create kind=\(kind) name=\(name) mode=\(["missing", "fail"][generator.below(2)]) client=\(generator.below(3)) seq=\(generator.below(40) + 1)"
                case 3: "rename kind=\(kind) name=\(name) to=\(["a", "b", "x"][generator.below(3)])"
                case 4, 5: "delete kind=\(kind) name=\(name)"
                case 6: "purge id=\(id(["sv-", "vo-"][generator.below(2)]))"
                case 7: "app name=\(name) lease=\(5 + generator.below(60))"
                case 8, 9: "create kind=\(kind) mode=ephemeral owner=\(id("ap-"))"
                case 10: "stop app=\(name)"
                case 11: "heartbeat id=\(id("ap-")) tasks=2"
                case 12: "expire"
                case 13: "configure kind=\(kind) name=\(name) background=\(generator.below(4_000))"
                default:
                    ["drain node=2", "resume node=2", "environment-create name=x", "environment-delete name=x", "join node=us-east-1:e"][
                        generator.below(5)]
                }
            // The planner refuses while nobody accepts data; the catalog must then not be asked.
            let before = driver.state
            _ = driver.state.takeTouches()
            let seen = (try? driver.run(line)) ?? "no plan"
            let touches = driver.state.takeTouches()
            #expect(Self.changes(from: before, to: driver.state).allSatisfy { touches.groups.contains($0) }, "\(line)")
            #expect(before.nodes == driver.state.nodes || touches.hasNodes, "\(line)")
            touched += touches.groups.count
            outcomes[String(seen.prefix { $0 != ":" && $0 != " " }), default: 0] += 1
            if step == 250 { follower = try CatalogState(xdr: driver.state.xdrBytes) }
        }
        for (position, command) in driver.log.enumerated().dropFirst(Int(follower.appliedIndex)) {
            _ = follower.apply(command, index: UInt64(position) + 1)
        }
        #expect(follower == driver.state && follower.digest == driver.state.digest)
        #expect(follower.appliedIndex == driver.state.appliedIndex && follower.appliedIndex > 400)
        #expect(touched > 20 && touched < 1_000, "\(touched)")
        for expected in ["created", "notFound", "wrongKind", "alreadyExists"] {
            #expect(outcomes[expected] ?? 0 > 0, "never saw \(expected): \(outcomes)")
        }
    }

    /// The groups of file systems whose records differ, or that one of the two has not.
    private static func changes(from a: CatalogState, to b: CatalogState) -> [GroupID] {
        let gone = a.filesystems.filter { b.filesystems[$0.key] == nil }.map(\.value.group)
        return gone + b.filesystems.filter { a.filesystems[$0.key] != $0.value }.map(\.value.group)
    }

    @Test func listsStayBounded() throws {
        var driver = CatalogDriver()
        _ = try driver.run("bootstrap nodes=(us-east-1:a)")
        for _ in 0..<CatalogLimits.stoppedApps + 20 {
            _ = try driver.run("app name=short")
            _ = try driver.run("stop app=short")
        }
        #expect(driver.state.apps.count == CatalogLimits.stoppedApps)
        #expect(driver.state.history.count <= CatalogLimits.history)
    }
}

extension String {
    /// Two digits.
    fileprivate init(format number: UInt64) { self = number < 10 ? "0\(number)" : "\(number)" }
}
