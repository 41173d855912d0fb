import Foundation
import Testing

extension Processes {
    /// `check` on the disks of a cluster that is down.
    @Suite(.serialized) struct CheckTests {
        private struct Report: Decodable {
            struct Filesystem: Decodable {
                let node: String
                let kind: String
                let name: String
                let files: Int
                let directories: Int
                let versions: Int
                let chunks: Int
                let absent: Int
                let lost: Int
                let faults: [String]
                let digest: String
            }
            let nodes: Int
            let filesystems: [Filesystem]
            let findings: [String]
        }

        private func report(_ result: CommandResult) throws -> Report {
            try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        }

        private func packs(_ cluster: LocalCluster, _ node: String) throws -> [String] {
            let folder = "\(cluster.directory)/nodes/\(node)/data/chunks/packs"
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".pack") }.sorted().map {
                "\(folder)/\($0)"
            }
        }

        @Test func namespacesAreRebuiltFromTheDisksAndHeldAgainstTheirContent() throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            for verb in [["nfs", "create", "share"], ["volume", "create", "data"]] { #expect(cluster.run(verb).status == 0) }
            let large = try cluster.write("large", LocalCluster.noise(1 << 20, seed: 5))
            let small = try cluster.write("small", "small")
            #expect(cluster.run(["nfs", "put", "share", large, "/dir/large"]).status == 0)
            #expect(cluster.run(["volume", "put", "data", large, "/dir/large", "--wait", "all"]).status == 0)
            #expect(cluster.run(["volume", "put", "data", small, "/dir/small", "--wait", "all"]).status == 0)
            #expect(cluster.run(["volume", "rm", "data", "/dir/large", "--wait", "all"]).status == 0)
            #expect(cluster.run(["down"]).status == 0)

            let sound = cluster.run(["check", "namespace", cluster.directory, "--json"])
            #expect(sound.status == 0, "\(sound)")
            let all = try report(sound)
            #expect(all.nodes == 2 && all.findings == [], "\(sound.output)")
            let volumes = all.filesystems.filter { $0.name == "data" }
            #expect(volumes.map(\.node) == cluster.nodes.map(\.name), "\(sound.output)")
            for volume in volumes {
                // The first version still names what was removed.
                #expect(volume.files == 1 && volume.directories == 2 && volume.versions == 4 && volume.chunks > 1, "\(volume)")
                #expect(volume.absent == 0 && volume.lost == 0 && volume.faults == [], "\(volume)")
            }
            #expect(Set(volumes.map(\.digest)).count == 1, "replicas differ")
            let share = try #require(all.filesystems.first { $0.name == "share" })
            #expect(share.kind == "nfs" && share.files == 1 && share.chunks > 1 && share.lost == 0, "\(share)")
            let table = cluster.run(["check", "namespace", "\(cluster.directory)/nodes/\(cluster.nodes[0].name)"])
            #expect(table.status == 0 && table.output.hasSuffix("Sound.\n") && table.output.contains("\tshare\t"), "\(table)")
            for part in ["store", "log"] {
                let one = cluster.run(["check", part, "\(cluster.directory)/nodes/\(cluster.nodes[1].name)"])
                #expect(one.status == 0 && one.output.hasSuffix("Sound.\n"), "\(one)")
            }

            // A chunk decays: found, named with the file that it belongs to, and only there.
            let pack = try #require(try packs(cluster, cluster.nodes[0].name).first)
            let whole = try Data(contentsOf: URL(fileURLWithPath: pack))
            var broken = whole
            for place in stride(from: broken.count / 2, to: broken.count / 2 + 64, by: 1) { broken[place] ^= 0xff }
            try broken.write(to: URL(fileURLWithPath: pack))
            let decayed = cluster.run(["check", "namespace", cluster.directory])
            #expect(decayed.status == 1 && decayed.errors.split(separator: "\n").count == 1, "\(decayed)")
            #expect(decayed.output.contains("is lost here; it belongs to /dir/large"), "\(decayed.output)")
            #expect(!decayed.output.contains("\(cluster.nodes[1].name): volume 'data': chunk"), "\(decayed.output)")

            // A repair of a copy of the store keeps what is sound, and says that something is left to others.
            let copy = cluster.folder.appendingPathComponent("copy").path
            try FileManager.default.copyItem(
                atPath: "\(cluster.directory)/nodes/\(cluster.nodes[0].name)/data/chunks", toPath: copy)
            let repaired = cluster.run(["check", "store", copy, "--repair"])
            #expect(repaired.status == 1 && repaired.output.hasSuffix("Damaged.\n"), "\(repaired)")
            #expect(repaired.output.contains("The index is rebuilt from the sound chunks.\n"), "\(repaired.output)")
            #expect(repaired.errors.contains("1 lost chunks that can not be mended here; lost chunks come back"), "\(repaired.errors)")

            // A pack is gone.
            try FileManager.default.removeItem(atPath: pack)
            let gone = cluster.run(["check", "namespace", "\(cluster.directory)/nodes/\(cluster.nodes[0].name)/data", "--json"])
            #expect(gone.status == 1, "\(gone)")
            #expect(try report(gone).filesystems.contains { $0.name == "share" && $0.lost == $0.chunks }, "\(gone.output)")
            try whole.write(to: URL(fileURLWithPath: pack))
            #expect(cluster.run(["check", "namespace", cluster.directory]).status == 0)

            // Nothing was changed: the cluster starts, and while it runs it is left alone.
            #expect(cluster.run(["up", "--detach"]).status == 0)
            #expect(cluster.run(["volume", "ls", "data", "/dir"]).output == "dir/small\n")
            let busy = cluster.run(["check", "namespace", cluster.directory])
            #expect(busy.status == 1 && busy.errors.contains("in use"), "\(busy)")
        }
    }
}
