#!/usr/bin/env python3
"""Makes the region maps of this folder from tables of measurements.

usage: simulations/regions/make-maps.py FOLDER

FOLDER holds regions.csv (AWS round trips, cloudping.co), regions_crosscheck.csv (deviation of a
round trip, skyplane), regions_bandwidth_cost.csv (64 connections, price), single_flow.csv (one TCP
flow) and regions_azure.csv (Azure round trips, skyplane). Writes aws.yaml and azure.yaml; toy.yaml
is written by hand. Run simulations/embed.py afterwards.
"""
import csv
import os
import statistics
import sys

here = os.path.dirname(os.path.abspath(__file__))

AWS = {
    "af-south-1": ("Cape Town", -33.93, 18.42), "ap-east-1": ("Hong Kong", 22.28, 114.17),
    "ap-northeast-1": ("Tokyo", 35.69, 139.69), "ap-northeast-2": ("Seoul", 37.57, 126.98),
    "ap-northeast-3": ("Osaka", 34.69, 135.50), "ap-south-1": ("Mumbai", 19.08, 72.88),
    "ap-southeast-1": ("Singapore", 1.35, 103.82), "ap-southeast-2": ("Sydney", -33.87, 151.21),
    "ca-central-1": ("Montreal", 45.50, -73.57), "eu-central-1": ("Frankfurt", 50.11, 8.68),
    "eu-north-1": ("Stockholm", 59.33, 18.07), "eu-south-1": ("Milan", 45.46, 9.19),
    "eu-west-1": ("Dublin", 53.35, -6.26), "eu-west-2": ("London", 51.51, -0.13),
    "eu-west-3": ("Paris", 48.86, 2.35), "me-south-1": ("Bahrain", 26.07, 50.56),
    "sa-east-1": ("São Paulo", -23.55, -46.63), "us-east-1": ("Northern Virginia", 39.04, -77.49),
    "us-east-2": ("Ohio", 39.96, -83.00), "us-west-1": ("Northern California", 37.77, -122.42),
    "us-west-2": ("Oregon", 45.84, -119.70),
}
AZURE = {
    "australiaeast": ("New South Wales", -33.86, 151.21), "brazilsouth": ("São Paulo", -23.55, -46.63),
    "canadacentral": ("Toronto", 43.65, -79.38), "centralindia": ("Pune", 18.58, 73.92),
    "eastasia": ("Hong Kong", 22.27, 114.19), "eastus": ("Virginia", 37.37, -79.82),
    "francecentral": ("Paris", 46.38, 2.37), "germanywestcentral": ("Frankfurt", 50.11, 8.68),
    "japaneast": ("Tokyo", 35.68, 139.77), "koreacentral": ("Seoul", 37.57, 126.98),
    "northcentralus": ("Illinois", 41.88, -87.63), "northeurope": ("Ireland", 53.35, -6.26),
    "norwayeast": ("Oslo", 59.91, 10.75), "southafricanorth": ("Johannesburg", -25.73, 28.22),
    "swedencentral": ("Gävle", 60.67, 17.14), "switzerlandnorth": ("Zürich", 47.45, 8.56),
    "uaenorth": ("Dubai", 25.27, 55.32), "uksouth": ("London", 50.94, -0.80),
    "westeurope": ("Netherlands", 52.37, 4.90), "westus": ("California", 37.78, -122.42),
    "westus3": ("Phoenix", 33.45, -112.07),
}
# Azure bills traffic between regions by zone; rounded figures, assumed, as there is no table of it among the inputs.
AZURE_USD = {"zone1": 0.02, "zone2": 0.08, "zone3": 0.16}
AZURE_ZONE2 = {"australiaeast", "centralindia", "eastasia", "japaneast", "koreacentral"}
AZURE_ZONE3 = {"brazilsouth", "southafricanorth", "uaenorth"}


def rows(folder, name):
    with open(os.path.join(folder, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def header(name, title, source, date, window, notes):
    lines = [f"# Made by make-maps.py; change that, or copy this file under another name."]
    lines += [f"# {note}" for note in notes]
    lines += ["schema: 1", f"name: {name}", f"title: {title}", f"source: {source}", f"date: {date}",
              "same_region: {zone_ms: 0.1, between_zones_ms: 0.5}   # measured: 0.3 to 2.2 ms between zones",
              f"flow_window: {window}   # bytes that one default TCP flow has under way: its throughput is this per round trip"]
    return lines


def write(name, lines):
    with open(os.path.join(here, name), "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    print(f"wrote {name}: {sum('between:' in line for line in lines)} links")


def number(value):
    return f"{value:g}"


def pair_of(figures):
    a, b = figures
    return number(a) if a == b else f"[{number(a)}, {number(b)}]"


def aws(folder):
    cross = {(row["region_a"], row["region_b"]): row for row in rows(folder, "regions_crosscheck.csv")}
    figures = {(row["src"], row["dst"]): row for row in rows(folder, "regions_bandwidth_cost.csv")}
    flows = {}
    for row in rows(folder, "single_flow.csv"):
        if row["src"].startswith("aws--") and row["dst"].startswith("aws--"):
            pair = tuple(sorted((row["src"][5:], row["dst"][5:])))
            flows[pair] = float(row["rtt_ms"]) * float(row["single_flow_mbps"]) * 125
    window = int(round(statistics.median(flows.values()), -3))
    jitters = [float(row["skyplane_mdev"]) for row in cross.values() if row["skyplane_mdev"]]
    usual_jitter = round(statistics.median(jitters), 2)
    capacities = sorted(float(row["tput_64conn_gbps_2022"]) for row in figures.values() if row["tput_64conn_gbps_2022"])
    lines = header(
        "aws", "Amazon Web Services, 21 regions",
        "round trips cloudping.co (by jvm-libp2p@267a4d46), throughput of 64 connections and deviation skyplane profiles, "
        "one flow aptos-core latency_table.csv@229bc41f, prices AWS list",
        "round trips 2023-03-08, throughput 2022, prices 2023", window,
        [f"Jitter is the mean deviation of a round trip; {usual_jitter} ms (their median) where none was measured.",
         "gbps and usd_per_gb: one figure for both directions, or [there, back]; usd_per_gb of a region holds for all its links."])
    common = {}
    for region in AWS:
        prices = [row["usd_per_gb_2023"] for (src, _), row in figures.items() if src == region]
        common[region] = max(set(prices), key=prices.count)
    lines.append("regions:")
    for region, (title, latitude, longitude) in AWS.items():
        lines.append(f"  {region}: {{title: {title}, latitude: {latitude}, longitude: {longitude}, usd_per_gb: {common[region]}}}")
    lines.append("links:")
    for row in rows(folder, "regions.csv"):
        a, b = row["region_a"], row["region_b"]
        if a == b:
            continue
        there, back = figures[a, b], figures[b, a]
        jitter = (cross.get((a, b)) or cross.get((b, a)) or {}).get("skyplane_mdev") or usual_jitter
        gbps = [float(x["tput_64conn_gbps_2022"] or capacities[len(capacities) // 2]) for x in (there, back)]
        item = f"between: [{a}, {b}], rtt_ms: {float(row['rtt_ms']):g}, jitter_ms: {float(jitter):g}, gbps: {pair_of(gbps)}"
        prices = [there["usd_per_gb_2023"], back["usd_per_gb_2023"]]
        if prices != [common[a], common[b]]:
            item += f", usd_per_gb: {pair_of([float(x) for x in prices])}"
        if tuple(sorted((a, b))) in flows:
            item += f", flow_window: {int(round(flows[tuple(sorted((a, b)))], -3))}"
        lines.append(f"  - {{{item}}}")
    write("aws.yaml", lines)
    return window


def azure(folder, window):
    lines = header(
        "azure", "Microsoft Azure, 21 regions",
        "round trips skyplane profiles/latency.csv@945dca27; jitter, throughput and prices assumed",
        "round trips 2022-04-16", window,
        ["Only the round trips of this map are measured: jitter, throughput and price are assumptions, as said under source."])
    lines.append("regions:")
    for region, (title, latitude, longitude) in sorted(AZURE.items()):
        zone = "zone3" if region in AZURE_ZONE3 else "zone2" if region in AZURE_ZONE2 else "zone1"
        lines.append(f"  {region}: {{title: {title}, latitude: {latitude}, longitude: {longitude}, usd_per_gb: {AZURE_USD[zone]}}}")
    lines.append("links:")
    for row in rows(folder, "regions_azure.csv"):
        lines.append(
            f"  - {{between: [{row['region_a']}, {row['region_b']}], rtt_ms: {float(row['rtt_ms']):g}, jitter_ms: 0.33, gbps: 3}}")
    write("azure.yaml", lines)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(__doc__)
    azure(sys.argv[1], aws(sys.argv[1]))
