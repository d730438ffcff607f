from __future__ import annotations

from django.urls import path

from items.rest import items, signals, signals_channels

urlpatterns = [
    path("items", items.ItemList.as_view(), name="items"),
    path("items/bulk", items.ItemBulk.as_view(), name="items-bulk"),
    path("items/stats", items.ItemStats.as_view(), name="items-stats"),
    path("items/export", items.ItemExport.as_view(), name="items-export"),
    path("items/<uuid:item_id>", items.ItemDetail.as_view(), name="item"),
    path("signals", signals.SignalList.as_view(), name="signals"),
    path("signals/bulk", signals.SignalBulk.as_view(), name="signals-bulk"),
    path("signals/stream", signals.SignalStream.as_view(), name="signals-stream"),
    path("signals/latest", signals.LatestSignals.as_view(), name="signals-latest"),
    path("signals/hourly", signals.HourlySignals.as_view(), name="signals-hourly"),
    path("signals/channels", signals_channels.ChannelList.as_view(), name="channels"),
    path("signals/channels/<str:channel>", signals_channels.ChannelDetail.as_view(), name="channel"),
    path("signals/<uuid:signal_id>", signals.SignalDetail.as_view(), name="signal"),
]
