"""What hangs on a product, edited in the product's own form: pictures and variants."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminFileFieldWidget

from catalog.admin.fields import AttributesField
from catalog.models import Picture, Variant
from catalog.verification import PictureError, verify


class PictureWidget(UnfoldAdminFileFieldWidget):
    """An upload for a new picture; the picture itself for one that is stored."""

    picture: Picture | None = None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> str:
        if self.picture is None:
            return str(super().render(name, value, attrs, renderer))
        return format_html(
            '<a href="{}" target="_blank"><img src="{}" alt="{}" class="catalog-preview" loading="lazy"></a>',
            self.picture.file.url,
            self.picture.thumbnail_url("small"),
            self.picture.alt,
        )


class PictureForm(forms.ModelForm):
    upload = forms.FileField(label="Picture", required=False, widget=PictureWidget)

    class Meta:
        model = Picture
        fields = ["alt", "position"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.fields["upload"].widget.picture = self.instance
        else:
            self.fields["upload"].required = True

    def clean_upload(self) -> UploadedFile | None:
        """Check the picture while the form can still show why it was refused."""
        upload: UploadedFile | None = self.cleaned_data["upload"]
        if upload is not None and not self.instance.pk:
            self.data_of_upload = upload.read(settings.PICTURE_MAX_BYTES + 1)
            try:
                sha256 = verify(self.data_of_upload).sha256
            except PictureError as error:
                raise forms.ValidationError(str(error)) from error
            if (
                self.instance.product_id
                and Picture.objects.filter(product=self.instance.product_id, sha256=sha256).exists()
            ):
                raise forms.ValidationError("The product has this picture already.")
        return upload


class PictureInline(TabularInline):
    model = Picture
    form = PictureForm
    fields = ["upload", "alt", "position"]
    ordering_field = "position"
    hide_ordering_field = True
    hide_title = True
    extra = 0
    tab = True


class VariantForm(forms.ModelForm):
    attributes = AttributesField(
        widget=forms.Textarea(attrs={"rows": 2, "cols": 24, "class": "catalog-small"}), help_text=""
    )

    class Meta:
        model = Variant
        fields = ["sku", "title", "price", "stock", "attributes", "position"]


class VariantInline(TabularInline):
    model = Variant
    form = VariantForm
    ordering_field = "position"
    hide_ordering_field = True
    hide_title = True
    extra = 0
    tab = True
