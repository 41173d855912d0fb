import Foundation
import Testing

extension Processes {
    /// `atoll up` in all its ways: how long it takes, what it costs to keep, and that it leaves nothing behind.
    @Suite(.serialized) struct StartTests {
        @Test func nineNodesStartAndIdle() async throws {
            let (cluster, took) = try await seconds {
                try LocalCluster(regions: ["us-east-1", "eu-west-1", "ap-northeast-1"], nodesPerRegion: 3, map: "aws")
            }
            defer { cluster.end() }
            measured("9 nodes start", took, "s")
            #expect(took < 30)
            let processes = cluster.processNumbers()
            #expect(processes.count == 9)
            #expect(cluster.run(["nfs", "create", "share"]).status == 0)
            #expect(cluster.run(["volume", "create", "data"]).status == 0)
            // Groups fall silent after ten idle seconds.
            try await Task.sleep(for: .seconds(13))
            func used() -> Double { processes.values.reduce(0) { $0 + LocalCluster.processorSeconds($1) } }
            let before = used()
            let (_, span) = try await seconds { try await Task.sleep(for: .seconds(10)) }
            let share = (used() - before) / span * 100
            measured("9 idle nodes use", share, "% of one core")
            #expect(share < 60, "\(share) %")
        }

        @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGKILL]) func upTakesItsNodesWithIt(signal: Int32) async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-up-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let directory = folder.appendingPathComponent("cluster").path
            let up = try RunningCommand(["up", "--regions", "a,b,c", "--map", "none"], cluster: directory, in: folder)
            defer { up.signal(SIGKILL) }
            #expect(await up.says("Stop it: Ctrl-C"), "\(up.output)")
            #expect(LocalCluster.processes(mentioning: directory).count == 3)
            up.signal(signal)
            #expect(await up.ends(within: 20), "\(up.output)")
            if signal != SIGKILL { #expect(up.process.terminationStatus == 0, "\(up.output)") }
            let gone = await LocalCluster.eventually(within: 20) { LocalCluster.processes(mentioning: directory).isEmpty }
            #expect(gone, "left: \(LocalCluster.processes(mentioning: directory))")
            // And it starts again on the same data.
            let again = LocalCluster.run(["up", "--detach"], environment: ["ATOLL_CLUSTER": directory], in: folder)
            #expect(again.status == 0, "\(again.errors)")
            #expect(LocalCluster.run(["down"], environment: ["ATOLL_CLUSTER": directory], in: folder).status == 0)
            #expect(LocalCluster.processes(mentioning: directory).isEmpty)
        }

        @Test func upIsInterruptedWhileItStarts() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("atoll-up-\(UInt64.random(in: 0 ... .max))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            for delay in [5, 30, 80, 150, 300] {
                let directory = folder.appendingPathComponent("cluster\(delay)").path
                let up = try RunningCommand(["up", "--regions", "a,b,c", "--map", "none"], cluster: directory, in: folder)
                defer { up.signal(SIGKILL) }
                // The moment is what varies here; nothing is concluded from it.
                try await Task.sleep(for: .milliseconds(delay))
                up.signal(SIGINT)
                #expect(await up.ends(within: 20), "after \(delay) ms: \(up.output)")
                let gone = await LocalCluster.eventually(within: 20) { LocalCluster.processes(mentioning: directory).isEmpty }
                #expect(gone, "after \(delay) ms")
                let again = LocalCluster.run(
                    ["up", "--detach", "--regions", "a,b,c", "--map", "none"], environment: ["ATOLL_CLUSTER": directory], in: folder)
                #expect(again.status == 0, "after \(delay) ms: \(again.errors)")
                #expect(LocalCluster.run(["down"], environment: ["ATOLL_CLUSTER": directory], in: folder).status == 0)
            }
        }

        @Test func upStartsWhatIsMissingAndNothingElse() async throws {
            let cluster = try LocalCluster(regions: ["a", "b", "c"])
            defer { cluster.end() }
            let before = cluster.processNumbers()
            let second = cluster.run(["up", "--detach"])
            #expect(second.status == 0 && second.output.contains("all 3 nodes were running"), "\(second)")
            #expect(cluster.processNumbers() == before)
            let other = cluster.run(["up", "--detach", "--regions", "a,b"])
            #expect(other.status == 2 && other.errors.contains("a,b,c"), "\(other)")
            let none = cluster.run(["up", "--detach", "--nodes-per-region", "0"])
            #expect(none.status == 2, "\(none)")
            #expect(cluster.run(["up", "--detach", "--map", "toy"]).status == 2)
            let victim = cluster.nodes[1].name
            #expect(cluster.run(["fault", "kill", victim]).status == 0)
            let third = cluster.run(["up", "--detach"])
            #expect(third.status == 0 && third.output.contains("1 of 3 nodes started"), "\(third)")
            let after = cluster.processNumbers()
            #expect(after.count == 3)
            for (name, number) in before { #expect((after[name] == number) == (name != victim), "\(name)") }
            #expect(cluster.processesLeft().count == 3)
            #expect(cluster.run(["down"]).status == 0)
            #expect(cluster.run(["down"]).output.contains("No node was running"))
            #expect(cluster.processesLeft().isEmpty)
            // Two at once: one starts it, the other waits or is told.
            let pair = try (0..<2).map { _ in try RunningCommand(["up", "--detach"], cluster: cluster.directory, in: cluster.folder) }
            for up in pair { #expect(await up.ends()) }
            #expect(pair.contains { $0.process.terminationStatus == 0 }, "\(pair.map(\.output))")
            #expect(cluster.processNumbers().count == 3 && cluster.processesLeft().count == 3)
        }
    }
}
