import Comparison
import Foundation
import Testing
import Workloads

@Suite struct InputTests {
    @Test func partsOfLargeFilesAndBytesOfPayloads() throws {
        let folder = try RunnerTests.inputFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var workload = try SettingsLibrary.workload("revision")
        workload.inputs.largeFileSize = 2 << 20
        let set = try InputFinder(folder: folder.path).inputs(for: workload)
        #expect(set.large.map(\.size) == [2 << 20, 2 << 20, 2 << 20])
        #expect(set.large.map(\.offset) == [0, 2 << 20, 4 << 20])

        // Stamped at every 32 KiB and nowhere else.
        let original = [UInt8](try Data(contentsOf: folder.appendingPathComponent("large.bin")))
        let stamp = ContentStamp(42)
        let whole = try set.bytes(.large(1, salt: 0, offset: 0, length: 2 << 20), stamp: stamp)
        var differing = Set<Int>()
        for index in 0..<(2 << 20) where whole[index] != original[(2 << 20) + index] { differing.insert(index % 32_768) }
        #expect(differing.isSubset(of: Set(0..<16)) && differing.count > 8)
        // Pieces agree with the whole; another stamp or salt does not.
        let piece = try set.bytes(.large(1, salt: 0, offset: 100_005, length: 70_001), stamp: stamp)
        #expect(piece == Array(whole[100_005..<170_006]))
        #expect(try set.bytes(.large(1, salt: 0, offset: 0, length: 64), stamp: ContentStamp(43)) != Array(whole[..<64]))
        #expect(try set.bytes(.large(1, salt: 3, offset: 0, length: 64), stamp: stamp) != Array(whole[..<64]))

        // A revision keeps nearly all of the (stamped) first version.
        let revision = Revision(of: 2 << 20, edits: 6, editSize: 4_096, seed: 8)
        let second = try set.bytes(.revised(1, revision, offset: 0, length: UInt32(revision.size)), stamp: stamp)
        #expect(second.count == Int(revision.size))
        #expect(second != whole)
        guard case .copy(0, let length)? = revision.pieces.first else { return }
        #expect(Array(second[..<Int(length)]) == Array(whole[..<Int(length)]))
    }

    @Test func theMachineHasEnough() throws {
        let set = try InputFinder().inputs(for: try SettingsLibrary.workload("small-files"))
        #expect(set.tree.count > 0)
        #expect(Set(set.tree.map(\.name)).count == set.tree.count)
        #expect(set.tree.allSatisfy { (1...65_536).contains($0.size) })
    }
}
