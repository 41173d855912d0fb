import APIClient
import APISchema
import ControlPlane
import Filesystem
import NIOCore
import NIOHTTP1
import NodeRuntime
import Primitives
import Synchronization
import Testing

@Suite struct ClusterRouteTests {
    @Test func statusMembersRegions() async throws {
        try await Fixture.run { fixture in
            let status = try await fixture.client.status()
            #expect(status.node == NodeID(1))
            #expect(status.state == "ready")
            #expect(status.process > 1)
            #expect(status.endpoints == [Endpoint(name: "http", address: "127.0.0.1:1")])
            #expect(status.groups.first?.digest == SHA256.hash([]))
            #expect(status.groups.first?.learners == [NodeID(2)])
            let members = try await fixture.client.members()
            #expect(members.map(\.status) == ["alive", "suspect"])
            #expect(members.map(\.roundTripMilliseconds) == [nil, 75.5])
            let regions = try await fixture.client.regions()
            #expect(regions.map(\.medianMilliseconds) == [75] && regions.map(\.leastMilliseconds) == [74])
            let found1 = try await fixture.client.health()
            #expect(found1)
        }
    }

    /// Who may not read a file system hears nothing of it.
    @Test func waitsAreListedToThoseWhoMayReadWhatWaits() async throws {
        try await Fixture.run { fixture in
            let mine = try await fixture.client.createFilesystem(NewFilesystem(kind: .volume, name: "mine")).id
            let other = try await fixture.client.createFilesystem(NewFilesystem(kind: .nfs, name: "other")).id
            fixture.node.state.withLock { state in
                state.waits = [(mine, SessionID(7)), (other, nil), (nil, nil)].map { filesystem, session in
                    .init(
                        operation: "commit", object: "o", filesystem: filesystem, session: session, waitsFor: "the leader",
                        waited: .milliseconds(2_500), left: .seconds(10))
                }
            }
            let all = try await fixture.client.waits()
            #expect(all.map(\.filesystem) == [mine, other, nil])
            #expect(all.map(\.session) == [SessionID(7), nil, nil])
            #expect(all.first?.waitsFor == "the leader" && all.first?.waitedSeconds == 2.5 && all.first?.leftSeconds == 10)
            let token = try await fixture.client.createToken(about: "reader", filesystem: mine, write: false).secret
            try await fixture.withClient(token: token) { reader in
                let seen = try await reader.waits()
                #expect(seen.map(\.filesystem) == [mine])
            }
            let stranger = try await fixture.raw(.GET, "/v1/waits", token: nil).status
            #expect(stranger == 401)
        }
    }

    @Test func metricsInPrometheusText() async throws {
        try await Fixture.run { fixture in
            let metrics = try await fixture.client.metrics()
            #expect(
                metrics == """
                    # HELP atoll_operations_total Operations.
                    # TYPE atoll_operations_total counter
                    atoll_operations_total{op="re\\"ad"} 3
                    atoll_operations_total{op="write"} 4
                    # HELP atoll_groups Groups\\nhere.
                    # TYPE atoll_groups gauge
                    atoll_groups 1.5
                    # HELP atoll_time Time.
                    # TYPE atoll_time histogram
                    atoll_time_bucket{le="+Inf"} 2
                    atoll_time_sum 0.5

                    """)
            let found2 = try await fixture.raw(.GET, "/metrics", token: nil).status
            #expect(found2 == 401)
            let found3 = try await fixture.raw(.GET, "/healthz", token: nil).text
            #expect(found3 == "ready\n")
        }
    }

    @Test func linkRules() async throws {
        try await Fixture.run { fixture in
            try await fixture.client.putLinkRules([1, 2, 3])
            #expect(fixture.node.state.withLock { $0.linkRules } == [1, 2, 3])
            #expect(await failure { try await fixture.client.putLinkRules([0xff]) }?.code == .invalid)
        }
        try await Fixture.run(allowFaults: false) { fixture in
            #expect(await failure { try await fixture.client.putLinkRules([1]) }?.code == .notPermitted)
            #expect(fixture.node.state.withLock { $0.linkRules } == [])
        }
    }

    @Test func gossipKeys() async throws {
        try await Fixture.run { fixture in
            let before = try await fixture.client.gossipKeys()
            #expect(before.seals == 1 && before.opens == [1])
            let after = try await fixture.client.reloadGossipKeys()
            #expect(after.seals == 2 && after.opens == [2, 1])
            let stranger = try await fixture.raw(.POST, "/v1/gossip/keys/reload", token: nil).status
            #expect(stranger == 401)
        }
    }

    @Test func portInUse() async throws {
        try await Fixture.run { fixture in
            let failure = await failure { try await Fixture.second(on: fixture.server.port) }
            #expect(failure?.code == .busy)
            #expect(failure?.cause == "the port is in use")
        }
    }

    /// Every route of the document answers, every operation is in it, and nothing refers to a schema that is missing.
    @Test func document() async throws {
        try await Fixture.run { fixture in
            let document = try await fixture.client.document()
            #expect(document["openapi"]?.text == "3.1.0")
            guard case .object(let paths)? = document["paths"], case .object(let schemas)? = document["components"]?["schemas"] else {
                Issue.record("no paths or schemas")
                return
            }
            var names: [String] = []
            for path in paths {
                guard case .object(let methods) = path.value else { continue }
                for method in methods {
                    let name = try #require(method.value["operationId"]?.text)
                    names.append(name)
                    #expect(method.value["responses"]?["default"] != nil)
                    let url = path.name.replacing("{id}", with: "x").replacing("{session}", with: "x").replacing("{path}", with: "x")
                        .replacing("{app}", with: "x").replacing("{environment}", with: "x").replacing("{token}", with: "x")
                        .replacing("{node}", with: "x")
                    let answer = try await fixture.raw(.RAW(value: method.name.uppercased()), url, token: nil)
                    let isOpen = method.value["security"]?.list?.isEmpty ?? true
                    #expect(answer.status == (isOpen ? 200 : 401), "\(method.name) \(path.name)")
                }
            }
            #expect(Set(names).count == names.count)
            #expect(names.count == 40)
            let text = JSONWriter.text { $0.value(document) }
            for reference in text.split(separator: "#/components/schemas/").dropFirst() {
                let name = String(reference.prefix { $0 != "\"" })
                #expect(schemas.contains { $0.name == name }, "\(name)")
            }
            for word in FileOperation.words { #expect(text.contains("\"\(word)\"")) }
        }
    }
}
