import Chunks
import Primitives
import Storage
import StorageSimulation
import Testing

/// Whoever is told that a chunk is here goes by it, as by an acknowledgement of its own.
@Suite struct VouchTests {
    /// Two nodes push the same chunk at once: the second is told that it is here already.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func whatIsSaidToBeHereSurvivesAPowerFailure(seed: UInt64) throws {
        let disk = SimulatedFileSystem(seed: seed)
        let bytes = (0..<3_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(seed)) }
        let name = SHA256.hash(bytes)
        do {
            let store = try ChunkStore("/data/chunks", system: disk)
            _ = try bytes.withUnsafeBytes { bytes in try store.stage(bytes) }
            #expect(try store.get(name) == bytes, "readers need not wait for the disk")
            #expect(try store.vouch([name]) == [true])
            disk.restart(losesPower: true)
        }
        let store = try ChunkStore("/data/chunks", system: disk)
        #expect(try store.has([name]) == [true])
        #expect(try store.get(name) == bytes)
        try store.close()
    }

    @Test func nothingThatCanNotBeMadeDurableIsSaidToBeHere() throws {
        let disk = SimulatedFileSystem(seed: 7)
        let store = try ChunkStore("/data/chunks", system: disk)
        let bytes = [UInt8](repeating: 5, count: 900)
        _ = try bytes.withUnsafeBytes { bytes in try store.stage(bytes) }
        disk.failingSyncs = 1
        #expect(throws: StorageError.self) { try store.vouch([SHA256.hash(bytes)]) }
        #expect(try store.vouch([SHA256.hash(bytes)]) == [false], "what a failed sync lost must be sent again")
        try store.close()
    }
}
