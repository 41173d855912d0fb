import Foundation
import Testing

extension Processes {
    /// What these tests stand on: hundreds of commands are run by one process.
    @Suite(.serialized) struct HarnessTests {
        @Test func commandsLeaveNoFilesOpen() throws {
            func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
            #expect(LocalCluster.run(["--version"]).status == 0)
            let before = try open()
            for _ in 0..<20 { #expect(LocalCluster.run(["--version"]).status == 0) }
            let after = try open()
            #expect(after < before + 10, "\(before) files open before, \(after) after")
        }
    }
}
