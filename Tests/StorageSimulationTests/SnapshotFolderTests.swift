import Primitives
import Storage
import StorageSimulation
import Testing

/// The folder of a group's snapshots is as durable as what lies in it: the log is cut behind a snapshot.
@Suite struct SnapshotFolderTests {
    private static func save(_ store: SnapshotStore, _ index: UInt64) throws(StorageError) {
        let writer = try store.begin(GroupID(16), index: index, term: 1)
        try writer.write([1, 2, 3])
        _ = try writer.finish()
    }

    /// Found by `atoll simulate swarm --seed 600181 --storage real`: the sync behind the first folder failed, the next
    /// snapshot found the folder there.
    @Test func aFolderWhoseSyncFailedIsSyncedByTheNextSnapshot() throws {
        let disk = SimulatedFileSystem(seed: 1)
        let store = try SnapshotStore("/data/snapshots", system: disk)
        disk.failingSyncs = 1
        #expect(throws: StorageError.self) { try Self.save(store, 20) }
        try Self.save(store, 21)
        disk.restart(losesPower: true)
        #expect(try SnapshotStore("/data/snapshots", system: disk).latest(GroupID(16))?.index == 21)
    }

    /// Its maker ended between making and syncing it, and the power fails later only.
    @Test func aFolderThatAnEarlierRunLeftIsSyncedToo() throws {
        let disk = SimulatedFileSystem(seed: 2)
        do {
            let store = try SnapshotStore("/data/snapshots", system: disk)
            disk.failingSyncs = 1
            #expect(throws: StorageError.self) { try Self.save(store, 20) }
        }
        try Self.save(try SnapshotStore("/data/snapshots", system: disk), 21)
        disk.restart(losesPower: true)
        #expect(try SnapshotStore("/data/snapshots", system: disk).latest(GroupID(16))?.index == 21)
    }

    @Test func aFolderThatWasDeletedIsMadeDurableAnew() throws {
        let disk = SimulatedFileSystem(seed: 3)
        let store = try SnapshotStore("/data/snapshots", system: disk)
        try Self.save(store, 20)
        try store.deleteAll(GroupID(16))
        try Self.save(store, 21)
        disk.restart(losesPower: true)
        #expect(try SnapshotStore("/data/snapshots", system: disk).latest(GroupID(16))?.index == 21)
    }
}
