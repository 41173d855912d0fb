import APIClient
import APISchema
import Filesystem
import NIOCore
import NIOHTTP1
import Primitives
import Synchronization
import Testing

@Suite struct CatalogRouteTests {
    @Test func createListRenameDelete() async throws {
        try await Fixture.run { fixture in
            let client = fixture.client
            let volume = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data"))
            #expect(volume.wasCreated == true)
            #expect(volume.id.kind == .volume)
            #expect(volume.voters == [NodeID(1)])
            let again = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data", mode: .createIfMissing))
            #expect(again.id == volume.id)
            #expect(again.wasCreated == false)
            #expect(await failure { _ = try await client.createFilesystem(NewFilesystem(kind: .volume, name: "data")) }?.code == .exists)
            #expect(await failure { _ = try await client.createFilesystem(NewFilesystem(kind: .nfs, name: "data")) }?.code == .wrongKind)
            let share = try await client.createFilesystem(NewFilesystem(kind: .nfs, name: "share", region: RegionID("us-east-1")))
            #expect(share.location == "us-east-1")
            let found1 = try await client.filesystems(kind: .nfs).map(\.id)
            #expect(found1 == [share.id])
            let found2 = try await client.filesystems().count
            #expect(found2 == 2)
            let found3 = try await client.filesystem(kind: .volume, name: "data").id
            #expect(found3 == volume.id)
            let found4 = try await client.filesystem(share.id).name
            #expect(found4 == "share")
            #expect(await failure { _ = try await client.filesystem(kind: .volume, name: "share") }?.code == .wrongKind)
            let found5 = try await client.rename(share.id, to: "share2").name
            #expect(found5 == "share2")
            try await client.delete(share.id)
            #expect(await failure { try await client.delete(share.id) }?.code == .notFound)
            #expect(await failure { _ = try await client.openSession(share.id) }?.code == .notFound)
        }
    }

    @Test(arguments: ["", "a/b", String(repeating: "x", count: 65), "vo-" + String(repeating: "A", count: 22), "..", "a b", "é"])
    func badNames(_ name: String) async throws {
        try await Fixture.run { fixture in
            #expect(
                await failure { _ = try await fixture.client.createFilesystem(NewFilesystem(kind: .volume, name: name)) }?.code == .invalid)
            let found6 = try await fixture.client.filesystems().isEmpty
            #expect(found6)
        }
    }

    @Test func unknownPlaces() async throws {
        try await Fixture.run { fixture in
            let region = await failure {
                _ = try await fixture.client.createFilesystem(NewFilesystem(kind: .nfs, name: "a", region: RegionID("mars")))
            }
            #expect(region?.code == .notFound)
            #expect(region?.hint == "the cluster has us-east-1")
            let environment = await failure {
                _ = try await fixture.client.createFilesystem(NewFilesystem(kind: .nfs, name: "a", environment: "prod"))
            }
            #expect(environment?.code == .notFound)
            #expect(await failure { _ = try await fixture.client.filesystems(environment: "prod") }?.code == .notFound)
        }
    }

    @Test func environments() async throws {
        try await Fixture.run { fixture in
            try await fixture.client.createEnvironment("prod")
            let found7 = try await fixture.client.environments()
            #expect(found7.map(\.name) == ["main", "prod"] && found7.allSatisfy { !$0.created.isEmpty && !$0.createdBy.isEmpty })
            let main = try await fixture.volume("data")
            let prod = try await fixture.client.createFilesystem(NewFilesystem(kind: .volume, name: "data", environment: "prod"))
            #expect(prod.id != main)
            let found8 = try await fixture.client.filesystem(kind: nil, environment: "prod", name: "data").id
            #expect(found8 == prod.id)
            #expect(await failure { try await fixture.client.deleteEnvironment("prod") } != nil)
            try await fixture.client.delete(prod.id)
            try await fixture.client.deleteEnvironment("prod")
            let found9 = try await fixture.client.environments()
            #expect(found9.map(\.name) == ["main"])
        }
    }

    @Test func apps() async throws {
        try await Fixture.run { fixture in
            let client = fixture.client
            let app = try await client.createApp(name: "train", about: "a run")
            #expect(app.state == "running")
            let own = try await client.createFilesystem(NewFilesystem(kind: .volume, name: nil, mode: .ephemeral, owner: app.id))
            #expect(own.owner == app.id)
            let found10 = try await client.heartbeat(app.id, tasks: 3).tasks
            #expect(found10 == 3)
            let found11 = try await client.apps().map(\.filesystems)
            #expect(found11 == [[own.id]])
            let stopped = try await client.stopApp("train")
            #expect(stopped.apps == [app.id.description])
            #expect(stopped.filesystems == [own.id.description])
            let found12 = try await client.apps().map(\.state)
            #expect(found12 == ["stopped"])
            let found13 = try await client.history(ofApp: app.id.description).map(\.verb).first
            #expect(found13 == "started")
            #expect(await failure { _ = try await client.stopApp("nothing") }?.code == .notFound)
            #expect(await failure { _ = try await client.heartbeat(app.id) } != nil)
        }
    }

    @Test func tokensOfLimitedScope() async throws {
        try await Fixture.run { fixture in
            let mine = try await fixture.volume("mine")
            let other = try await fixture.volume("other")
            _ = try await fixture.client.put(mine, FilePath("a")!, ByteBuffer(string: "x"))
            let read = try await fixture.client.createToken(about: "reader", filesystem: mine, write: false)
            let write = try await fixture.client.createToken(about: "writer", filesystem: mine, write: true)
            let writers = try await fixture.client.openSession(mine)
            try await fixture.withClient(token: read.secret) { client in
                let found14 = try await client.filesystems().map(\.id)
                #expect(found14 == [mine])
                #expect(String(buffer: try await client.bytes(mine, FilePath("a")!)) == "x")
                #expect(await failure { _ = try await client.filesystem(other) }?.code == .permissionDenied)
                #expect(await failure { _ = try await client.put(mine, FilePath("b")!, ByteBuffer()) }?.code == .permissionDenied)
                #expect(await failure { try await client.delete(mine) }?.code == .permissionDenied)
                #expect(await failure { _ = try await client.tokens() }?.code == .permissionDenied)
                #expect(await failure { _ = try await client.perform(.sessionStatus, session: writers) }?.code == .permissionDenied)
                let session = try await client.openSession(mine)
                let open = FileOperation.open(path: FilePath("b")!, mode: .replace(mode: 0o644, refuseExisting: false))
                #expect(await failure { _ = try await client.perform(open, session: session) }?.code == .readOnly)
            }
            try await fixture.withClient(token: write.secret) { client in
                _ = try await client.put(mine, FilePath("b")!, ByteBuffer(string: "y"))
                #expect(await failure { _ = try await client.put(other, FilePath("b")!, ByteBuffer()) }?.code == .permissionDenied)
                #expect(await failure { try await client.putLinkRules([1]) }?.code == .permissionDenied)
            }
            let found15 = try await fixture.client.tokens().count
            #expect(found15 == 2)
            try await fixture.client.revokeToken(write.id)
            try await fixture.withClient(token: write.secret) { client in
                #expect(await failure { _ = try await client.status() }?.code == .permissionDenied)
            }
        }
    }
}
