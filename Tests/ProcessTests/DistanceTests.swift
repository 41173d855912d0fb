import Foundation
import Testing

extension Processes {
    /// Network file systems from another region than their own.
    @Suite(.serialized) struct DistanceTests {
        @Test func usingOneFromAfarIsWarnedAboutOrRefused() async throws {
            let cluster = try LocalCluster(regions: ["a", "b"])
            defer { cluster.end() }
            #expect(cluster.run(["nfs", "create", "share", "--primary", "a"]).status == 0)
            let file = try cluster.write("local", "text")
            for verb in [
                ["put", "share", file, "/f"], ["ls", "share"], ["get", "share", "/f", "-"], ["cp", "share", "/f", "/g"],
                ["rm", "share", "/g"],
            ] {
                let near = cluster.run(["nfs"] + verb + ["--region", "a", "--require-local"])
                #expect(near.status == 0 && near.errors == "", "\(verb): \(near)")
                if verb[0] == "rm" { #expect(cluster.run(["nfs", "cp", "share", "/f", "/g"]).status == 0) }
                if verb[0] == "cp" { #expect(cluster.run(["nfs", "rm", "share", "/g"]).status == 0) }
                let far = cluster.run(["nfs"] + verb + ["--region", "b"])
                #expect(far.status == 0, "\(verb): \(far)")
                let lines = far.errors.split(separator: "\n")
                #expect(lines.count == 1 && far.errors.hasPrefix("warning: 'share' lives in a, and this client is in b"), "\(verb): \(far)")
                #expect(far.output == near.output)
                let refused = cluster.run(["nfs"] + verb + ["--region", "b", "--require-local"])
                #expect(refused.status == 1 && refused.output == "", "\(verb): \(refused)")
                #expect(refused.errors.split(separator: "\n").count == 1 && refused.errors.contains("lives in a"), "\(verb): \(refused)")
            }
            // What does not touch files pays nothing.
            #expect(cluster.run(["nfs", "list", "--region", "b"]).errors == "")
        }
    }
}
