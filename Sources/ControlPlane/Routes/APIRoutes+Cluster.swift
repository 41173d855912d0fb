internal import APISchema
internal import Filesystem
internal import Foundation
internal import Hummingbird
internal import NodeRuntime
internal import Primitives
internal import Replication

/// What this node knows: it answers from memory, also while everything else hangs.
extension APIRoutes {
    var cluster: [APIRoute] {
        let service = service
        return [
            APIRoute(
                method: .get, path: "/healthz", name: "getHealth", about: "200 while the node is ready, 503 otherwise. One word of text.",
                access: .open, gives: .text
            ) { _ in
                let state = await service.status().state
                var response = Response.text(state + "\n")
                if state != "ready" { response.status = .serviceUnavailable }
                return response
            },
            APIRoute(
                method: .get, path: "/metrics", name: "getMetrics", about: "Counters and gauges in the text format of Prometheus.",
                access: .openIf { $0.openMetrics }, gives: .text
            ) { _ in
                .text(MetricsText.text(await service.status().metrics), type: "text/plain; version=0.0.4; charset=utf-8")
            },
            APIRoute(
                method: .get, path: "/v1/status", name: "getStatus", about: "This node: state, endpoints, groups.", givesSchema: "Status"
            ) { _ in .json(NodeReport(await service.status(), process: Int(getpid()))) },
            APIRoute(
                method: .get, path: "/v1/waits", name: "getWaits",
                about: """
                    Requests of this node that have waited for over a second: the oldest first, 100 at most. Those of file systems that the \
                    token may read; changes of the catalog for admins only.
                    """, givesSchema: "Waits"
            ) { request in
                let filesystems = await service.catalog().filesystems
                let waits = await service.waits().filter { wait in
                    guard !request.principal.isAdmin else { return true }
                    return wait.filesystem.flatMap { filesystems[$0] }.map { request.principal.allows($0, write: false) } ?? false
                }
                let node = await service.status().node
                return .json { writer in
                    writer.object {
                        $0.field("node", node.rawValue)
                        $0.field("waits", waits.map(WaitReport.init))
                    }
                }
            },
            APIRoute(
                method: .get, path: "/v1/members", name: "getMembers", about: "The nodes of the cluster as this node sees them.",
                givesSchema: "Members"
            ) { _ in
                let status = await service.status()
                return .json { writer in
                    writer.object {
                        $0.field("node", status.node.rawValue)
                        $0.field("members", status.members.map(MemberReport.init))
                    }
                }
            },
            APIRoute(
                method: .get, path: "/v1/regions", name: "getRegions", about: "The measured region-to-region table of this node.",
                givesSchema: "Regions"
            ) { _ in
                let status = await service.status()
                return .json { writer in
                    writer.object {
                        $0.field("node", status.node.rawValue)
                        $0.field("pairs", status.regions.map(RegionPairReport.init))
                    }
                }
            },
        ]
    }

    var gossipKeys: [APIRoute] {
        let service = service
        @Sendable func report(reloading: Bool) async throws(FileFailure) -> Response {
            let keys = try await service.gossipKeys(reloading: reloading)
            return .json(GossipKeysReport(node: await service.status().node, opens: keys))
        }
        return [
            APIRoute(
                method: .get, path: "/v1/gossip/keys", name: "getGossipKeys",
                about: "The numbers of the keys by which this node seals and opens gossip.", access: .admin, givesSchema: "GossipKeys"
            ) { _ in try await report(reloading: false) },
            APIRoute(
                method: .post, path: "/v1/gossip/keys/reload", name: "reloadGossipKeys",
                about: "Reads the node's file of gossip keys again. One that cannot be read changes nothing.", access: .admin,
                givesSchema: "GossipKeys"
            ) { _ in try await report(reloading: true) },
        ]
    }

    var faults: [APIRoute] {
        let service = service
        let isAllowed = configuration.allowFaults
        return [
            APIRoute(
                method: .put, path: "/v1/faults/links", name: "putLinkRules",
                about:
                    "Replaces the rules by which this node's links are delayed, limited or cut (link rules in XDR). Local clusters only.",
                access: .admin, takes: .bytes, gives: .none, status: 204
            ) { request in
                guard isAllowed else {
                    throw FileFailure(
                        .notPermitted, operation: "set", object: "link rules", cause: "this node's configuration does not allow faults",
                        hint: "faults are for local clusters, started by `atoll up`")
                }
                let body = try await request.body(limit: 4 << 20)
                try await service.applyLinkRules(Array(body.readableBytesView))
                return Response(status: .noContent)
            }
        ]
    }
}

extension NodeReport {
    init(_ status: NodeStatus, process: Int) {
        self.init(
            node: status.node, region: status.region, cluster: status.clusterName, version: status.version, state: status.state,
            process: process, uptimeSeconds: status.uptime.inMilliseconds / 1_000, dataDirectory: status.dataDirectory,
            endpoints: status.endpoints.map { Endpoint(name: $0.name, address: $0.address) }, groups: status.groups.map(GroupReport.init))
    }
}

extension GroupReport {
    init(_ group: NodeStatus.Group) {
        self.init(
            id: group.id, filesystem: group.filesystem, role: group.role, term: group.term, leader: group.leader,
            commitIndex: group.commitIndex,
            appliedIndex: group.appliedIndex, digest: group.digest, voters: group.voters, learners: group.learners, version: group.version)
    }
}

extension WaitReport {
    init(_ wait: NodeStatus.Wait) {
        self.init(
            operation: wait.operation, object: wait.object, filesystem: wait.filesystem, session: wait.session, waitsFor: wait.waitsFor,
            waitedSeconds: wait.waited.inMilliseconds / 1_000, leftSeconds: wait.left.inMilliseconds / 1_000)
    }
}

extension MemberReport {
    init(_ member: NodeStatus.Member) {
        self.init(
            id: member.id, region: member.region, status: member.status, incarnation: member.incarnation,
            roundTripMilliseconds: member.roundTrip?.inMilliseconds,
            endpoints: member.endpoints.map { Endpoint(name: $0.name, address: $0.address) })
    }
}

extension RegionPairReport {
    init(_ pair: NodeStatus.RegionPair) {
        self.init(
            from: pair.from, to: pair.to, medianMilliseconds: pair.median.inMilliseconds, p90Milliseconds: pair.p90.inMilliseconds,
            leastMilliseconds: pair.least.inMilliseconds, samples: pair.samples)
    }
}
